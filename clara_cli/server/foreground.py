"""Running the server in this process, to its end."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import time
from collections.abc import Callable

from clara_cli.config import load_config
from clara_cli.root import choose_root
from clara_cli.server.options import Options
from clara_cli.server.process import registered

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Of gRPC: this process starts others by vfork, for which it has nothing to prepare.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


def run(options: Options, config_file: str | None, ready: Callable[[Options], None]) -> None:
    """Be the server of the configured root; returns when it was asked to end.

    Args:
        ready: told the options with the ports that are listened on.

    Raises:
        StateConflict: the root has one already.
        ClaraError: it cannot listen, or its certificate or the root cannot be used.
    """
    from clara_cli.server.serve import serve

    _keep_memory()
    _log_to_stderr()
    config = load_config(config_file)
    root = choose_root(config)
    with registered(root) as register:

        def listening(found: Options) -> None:
            register.write(found)
            ready(found)

        asyncio.run(serve(root, config, config_file, options, listening))


def _keep_memory() -> None:
    """Chunks of files come and go by the thousand: their memory is reused, and not given back and asked for each time.

    It made downloads three times as fast. Only glibc has this; the numbers are those of its <malloc.h>.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_MMAP_THRESHOLD, 32 << 20), (_TRIM_THRESHOLD, 64 << 20), (_ARENA_MAX, 1)):
            mallopt(option, value)


def _log_to_stderr() -> None:
    form = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(form)
    log = logging.getLogger("clara.platform")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
