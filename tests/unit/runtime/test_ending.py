"""When a forked operator may leave what all operators share as it is: nothing of its own has anything left to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import clara_cli

PROGRAM = """
import sys
sys.path[:0] = {paths!r}
import gc, re, threading, clara.driver, clara.channel, numpy, contextlib
import ending
shared = frozenset(sys.modules) - {{"__main__"}}
gc.freeze()
{program}
print(ending._all_told(shared))
"""
# What has an end, and has come to it.
TOLD = {
    "nothing": "",
    "a closed file": "import tempfile\nfile = tempfile.TemporaryFile('w')\nfile.write('x')\nfile.close()",
    "a file that is read": "file = open('/proc/self/stat')",
    "a socket": "import socket\nends = socket.socketpair()",
    "a generator at its end": "ended = (i for i in [1])\nlist(ended)",
    "an abstract class": "import abc\nclass A(abc.ABC): pass\nisinstance(1, A)",
    "a weak set": "import weakref\nclass A: pass\na = A()\nones = weakref.WeakSet([a])",
    "a thread": "thread = threading.Thread(target=print)\nthread.start()\nthread.join()",
    "modules of Python": "import json, csv, sqlite3, _elementtree, decimal",
    "what answers with code of its own": (
        "import types\nclass M(type):\n    def __getattr__(cls, name): print('False'); raise ValueError\n"
        "class A(metaclass=M): pass\na = A()\nm = types.ModuleType('m')\nm.__file__ = 3\nsys.modules['m'] = m"
    ),
    "a destructor that ran": "class A:\n    def __del__(self): pass\na = A()\ndel a",
}
LEFT = {
    "an open file": "file = open('/dev/null', 'w')",
    "a file of bytes": "file = open('/dev/null', 'r+b', buffering=0)",
    "a file in memory": "import gzip\nfile = gzip.open('/dev/null', 'w')",
    "a destructor": "class A:\n    def __del__(self): pass\na = A()",
    "an inherited one": "class D(clara.Driver):\n    def __del__(self): pass\nd = object.__new__(D)",
    "a suspended generator": "it = (i for i in [1, 2])\nnext(it)",
    "a context": "@contextlib.contextmanager\ndef c():\n    yield\nc = c()\nc.__enter__()",
    "a weak reference": "import weakref\nclass A: pass\na = A()\nr = weakref.ref(a, lambda _: None)",
    "a database": "import sqlite3\nbase = sqlite3.connect(':memory:')",
    "a stream that is written": "import io\nclass S(io.RawIOBase): pass\ns = S()",
    "a method as callback": (
        "import json, weakref\nclass A: pass\na = A()\nr = weakref.ref(a, json.JSONEncoder().encode)"
    ),
    "an extension of others": "import nibabel, yaml._yaml",
}


@pytest.mark.parametrize(
    ("program", "told"),
    [pytest.param(text, True, id=name) for name, text in TOLD.items()]
    + [pytest.param(text, False, id=name) for name, text in LEFT.items()],
)
def test_what_has_nothing_left_to_do_is_known(program: str, told: bool) -> None:
    package = Path(clara_cli.__file__).parent
    paths = [str(package / "operator_path"), str(package / "warm_path")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(paths=paths, program=program)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == str(told)
