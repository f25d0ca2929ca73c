"""The fork server: a process that has loaded what operators in Python load, and forks them.

It is started first of all, on another core, while the command itself is still being loaded; its other side is
`clara_cli/warm_path`. It takes only operators that would find exactly what it has: this very Python, and the same
values of all variables that are read when a Python or its libraries are loaded.
"""

from __future__ import annotations

# Nothing that takes long to load: what is imported here is imported before the server is started.
import _socket
import os
import sys
from collections.abc import Mapping, Sequence

from clara_cli.runtime.passed_on import OPERATOR_FOLDER, python_variables

VARIABLE = "CLARA_WARM_START"
_SCRIPT = os.path.join(os.path.dirname(OPERATOR_FOLDER), "warm_path", "fork_server.py")  # noqa: PTH118, PTH120
# Read while a Python or its libraries are loaded.
_READ_EARLY = (
    *("PYTHON", "OMP_", "OPENBLAS_", "GOTO_", "MKL_", "KMP_", "BLIS_", "NUMEXPR_", "NPY_"),
    *("LD_", "MALLOC_", "GLIBC_", "LC_", "CLARA_FAST_IO"),
)
_READ_EARLY_NAMES = ("TZ", "LANG", "LANGUAGE", "HOME")
# Beside its own descriptors each operator gets six; the kernel passes 253 at a time.
_MOST_DESCRIPTORS = 200
# Bytes: a word of a command line or environment, and all of them, that every kernel takes.
_LONGEST_WORD, _MOST_WORDS = 128 << 10, 1 << 20


class ForkServer:
    """A running fork server.

    Args:
        user: what operators see of the user's environment.
    """

    def __init__(self, user: Mapping[str, str]) -> None:
        """Start it; does not wait until it is ready.

        Raises:
            OSError: it cannot be started.
        """
        environment = {**user, **python_variables(user)}
        self._decisive = _decisive(environment)
        self._control, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        try:
            words = [sys.executable, "-u", _SCRIPT, str(theirs.fileno())]
            self._pid = _start(words, environment, theirs.fileno())
        finally:
            theirs.close()

    def suits(self, user: Mapping[str, str]) -> bool:
        """Whether it was started with what operators with this part of the user's environment would read early."""
        return self._decisive == _decisive({**user, **python_variables(user)})

    def takes(self, argv: Sequence[str], environment: Mapping[str, str], descriptors: Sequence[int]) -> bool:
        """Whether an operator finds in a fork what it would find if it were started anew, as far as that shows here."""
        if len(argv) < 2 or argv[0] != sys.executable or len(descriptors) > _MOST_DESCRIPTORS:
            return False
        # Such a program could not be executed; the kernel counts bytes, of which a character has at most four.
        sizes = [*map(len, argv), *(len(name) + len(value) + 1 for name, value in environment.items())]
        if max(sizes) * 4 >= _LONGEST_WORD or sum(sizes) * 4 >= _MOST_WORDS:
            return False
        return _decisive(environment) == self._decisive

    def fork(self, document: int, descriptors: Sequence[int]) -> bool:
        """Have an operator forked; False when the server is gone.

        Args:
            document: descriptor of the request, as `warm_path/forking.py` reads it.
            descriptors: what goes with it.
        """
        import array

        try:
            numbers = array.array("i", [document, *descriptors])
            self._control.sendmsg([b"fork"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)])
        except OSError:
            return False
        return True

    def close(self) -> None:
        """End it; operators that were forked go on."""
        self._control.close()
        try:
            os.kill(self._pid, 9)  # SIGKILL, without loading its name
            os.waitpid(self._pid, 0)
        except OSError:
            pass  # collected already


def _start(words: list[str], environment: dict[str, str], descriptor: int) -> int:
    """Execute the server, with nothing for its stdin, stdout and stderr; returns its process id.

    Not by posix_spawn, which leaves a signal of glibc's ignored, for good.
    """
    if "subprocess" in sys.modules:
        from subprocess import DEVNULL, Popen

        streams = {"stdin": DEVNULL, "stdout": DEVNULL, "stderr": DEVNULL}
        process = Popen(words, env=environment, pass_fds=(descriptor,), **streams)  # type: ignore[call-overload]
        process.returncode = 0  # collected by its number
        return int(process.pid)
    # So early there is no thread, and loading subprocess takes as long as starting a Python.
    pid = os.fork()
    if pid == 0:
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
            os.set_inheritable(descriptor, True)
            os.execve(words[0], words, environment)
        finally:
            os._exit(127)
    return pid


def _decisive(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if name.startswith(_READ_EARLY) or name in _READ_EARLY_NAMES
    }
