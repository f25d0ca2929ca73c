"""Whether a program can go on from what is loaded already, and would find nothing else than if it loaded it itself."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterable, Iterator

# Libraries read these when they are loaded: a program that has them in its text may set them before. A forked program
# runs on a thread's stack, which does not grow with a limit that it raises.
_READ_EARLY = re.compile(
    rb"\b(?:PYTHON[A-Z]|OMP_|OPENBLAS|GOTO_|MKL_|KMP_|BLIS_|NUMEXPR|NPY_|LD_[A-Z]|MALLOC_|GLIBC_)"
    rb"|\bsys\.(?:modules|meta_path|path_hooks)\b|\bRLIMIT_STACK\b"
)
# Files and bytes of the program that are looked at.
_MOST_FILES, _MOST_BYTES = 200, 1 << 22


def script(argv: list[str], preloaded: Iterable[str]) -> str | None:
    """The program's file as it was named, if it suits; the working folder and the limits are the operator's."""
    if resource.getrlimit(resource.RLIMIT_STACK)[0] == resource.RLIM_INFINITY:
        return None  # a thread's stack always ends somewhere, then at as little as 2 MB
    words = [word for word in argv[1:] if word != "-u"]
    name = words[0] if words else ""
    if not name or name.startswith("-") or not os.path.isfile(name):
        return None
    folder = os.path.dirname(os.path.realpath(name))
    taken = {module.partition(".")[0] for module in preloaded}
    if taken.intersection(_importable(folder)):
        return None  # its own module of that name would come first
    return name if not any(map(_READ_EARLY.search, _texts(name, folder))) else None


def _importable(folder: str) -> Iterator[str]:
    """Names of modules that a program finds beside itself."""
    for entry in os.scandir(folder):
        stem, _, rest = entry.name.partition(".")
        if rest.endswith(("py", "pyc", "so")) or entry.is_dir():
            yield stem


def _texts(name: str, folder: str) -> Iterator[bytes]:
    with open(name, "rb") as file:
        yield file.read()
    left, files = _MOST_BYTES, 0
    for top, folders, names in os.walk(folder):
        folders[:] = [item for item in folders if item not in ("__pycache__", ".git", ".venv")]
        for item in names:
            if item.endswith(".py"):
                with open(os.path.join(top, item), "rb") as file:
                    text = file.read(left + 1)
                left, files = left - len(text), files + 1
                if left < 0 or files > _MOST_FILES:
                    yield b"LD_"  # too much to be sure
                    return
                yield text
