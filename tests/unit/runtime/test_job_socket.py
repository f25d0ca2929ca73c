"""Where a runner listens, and who may talk to it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import clara.channel
import pytest

from clara_cli.errors import RuntimeFailure
from clara_cli.fastio import wire
from clara_cli.fastio.observe import observe
from clara_cli.ids import new_id
from clara_cli.runtime.job_socket import JobSocket, find_socket, socket_name

STRANGER = """
import os, socket, sys
os.setuid(65534)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind("\\0" + sys.argv[1])
if sys.argv[2] == "listen":
    listener.listen()
print("up", flush=True)
sys.stdin.read()
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")


@contextmanager
def stranger(name: str, how: str = "listen") -> Iterator[None]:
    """Another user has taken an abstract name."""
    command = [sys.executable, "-c", STRANGER, name, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline() == "up\n"
        try:
            yield
        finally:
            process.stdin.close()


def test_a_job_listens_under_its_own_name() -> None:
    job = new_id()
    assert find_socket(job) is None
    with closing(JobSocket(job)) as own:
        assert own.name == socket_name(job) == find_socket(job)
        with pytest.raises(RuntimeFailure, match="already in use"):
            JobSocket(job)
    assert find_socket(job) is None


@needs_root
@pytest.mark.parametrize("how", ["listen", "keep it only"])
def test_a_name_that_a_stranger_has_taken_is_left_to_him(how: str) -> None:
    job = new_id()
    with stranger(socket_name(job), how):
        assert find_socket(job) is None
        with closing(JobSocket(job)) as own:
            assert own.name.startswith(f"{socket_name(job)}-")
            assert len(own.name) == len(socket_name(job)) + 17
            assert find_socket(job) == own.name
            with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as connection:
                connection.connect("\0" + own.name)


@needs_root
def test_an_observer_does_not_believe_a_stranger() -> None:
    name = f"clara-test-{new_id()}"
    with stranger(name), pytest.raises(RuntimeFailure, match=r"another user \(uid 65534\)"):
        observe(name)


@needs_root
def test_a_stranger_is_not_served() -> None:
    with closing(JobSocket(new_id())) as own:
        script = (
            "import os, socket, sys\nos.setuid(65534)\ns = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
            "s.connect('\\0' + sys.argv[1])\nprint('connected', flush=True)\nprint(s.recv(10))"
        )
        with subprocess.Popen([sys.executable, "-c", script, own.name], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stdout.readline() == "connected\n"
            assert own.accept() is None
            assert process.stdout.read() == "b''\n"


def test_both_ends_agree_on_the_packets() -> None:
    assert clara.channel.PACKET == wire.PACKET
    # what the kernel passes with one packet, SCM_MAX_FD
    assert wire.PAGE <= 253
