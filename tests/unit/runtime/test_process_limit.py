"""What bounds the processes of an operator."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from clara_cli.runtime.process_limit import HEADROOM, fix, limited, process_limit

SHOW = [sys.executable, "-c", "import resource; print(*resource.getrlimit(resource.RLIMIT_NPROC))"]


def test_a_limit_is_the_childs_and_not_this_processs() -> None:
    before = resource.getrlimit(resource.RLIMIT_NPROC)
    with limited(1234):
        child = subprocess.Popen(SHOW, stdout=subprocess.PIPE, text=True)
    assert resource.getrlimit(resource.RLIMIT_NPROC) == before
    assert child.communicate()[0].split()[0] == "1234"


def test_a_limit_becomes_final_and_a_process_that_has_ended_does_not_matter() -> None:
    with limited(1234):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    fix(child.pid, 1234)
    assert resource.prlimit(child.pid, resource.RLIMIT_NPROC) == (1234, 1234)
    child.communicate()
    fix(child.pid, 1234)
    fix(child.pid, None)


PROGRAM = """
import os, resource, sys
sys.path[:0] = {path!r}
from clara_cli.runtime.process_limit import limit_binds, process_limit
if os.getuid() == 0:
    os.setgroups([]); os.setgid(54321); os.setuid(54321)
print(limit_binds(), process_limit())
"""


def test_an_ordinary_user_gets_some_thousand_more_than_there_are() -> None:
    program = PROGRAM.format(path=sys.path)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    binds, limit = done.stdout.split()
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    assert binds == "True"
    assert int(limit) == soft or int(limit) > HEADROOM


def test_root_has_none() -> None:
    if os.geteuid() != 0:
        pytest.skip("for root")
    assert process_limit() is None
