"""A process that holds what operators in Python load first, and forks one of them whenever it is asked to.

Started as `python -u fork_server.py DESCRIPTOR` with an operator's environment; ends when the other end of that socket
does. For each request it forks a process that enters the operator's view of files and forks the operator; when that
one ends, the operator is the runner's own child. The operator's code runs on a thread whose stack holds nothing of
this file: it is called from C.
"""

import sys

_FIRST_MODULES = frozenset(sys.modules)
_MAIN = {name: value for name, value in globals().items() if name.startswith("__")}

# What operators load; one whose Python has no numpy does without.
_LOADED = ("numpy", "clara.driver", "clara.channel")


def main() -> None:
    """Load, then serve until nobody asks any more."""
    import os
    import resource

    # What is sent may have higher numbers than the soft limit allows here; each operator gets its own limits.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.setsid()  # Ctrl-C is for whoever asks
    os.chdir("/")
    import gc

    gc.disable()
    here = sys.path.pop(0)
    sys.path_importer_cache.pop(here, None)
    _load()
    sys.path.insert(0, here)
    # What an operator loads itself is shared; what only this process needs is not for it to be seen.
    seen = set(sys.modules)
    import _thread
    import collections
    import operator
    import socket

    import forking

    sys.path.pop(0)
    sys.path_importer_cache.pop(here, None)
    preloaded = [name for name in seen if name not in _FIRST_MODULES]
    hidden = [name for name in sys.modules if name not in seen]
    control = socket.socket(fileno=int(sys.argv[1]))
    kept = [sys.modules.pop(name) for name in hidden]
    template = forking.Template(_MAIN, preloaded, kept)
    asleep = _thread.allocate_lock()
    asleep.acquire()
    calls = map(operator.methodcaller("__call__"), forking.serve(control, template))
    # Shared by all forks, so that looking for garbage in them copies nothing of it; and what is not is the operator's.
    gc.freeze()
    gc.enable()
    _thread.start_new_thread(collections.deque, (calls, 0))
    asleep.acquire()


def _load() -> None:
    from importlib import import_module

    for name in _LOADED:
        try:
            import_module(name)
        except ImportError:
            pass


if __name__ == "__main__":
    main()
