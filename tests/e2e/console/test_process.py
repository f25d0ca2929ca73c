"""Starting and stopping the console, as people, scripts and service managers do."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from console_support import Console
from support import installed_command, wait_until

from clara_cli.console.process import CONSOLE


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path / "own")


def test_start_status_restart_stop(console: Console) -> None:
    assert console.clara("console", "status", code=3).stdout == "STATE: stopped\n"
    assert console.clara("console", "stop").stderr == "The console does not run.\n"
    console.start()
    status = console.clara("console", "status").stdout
    keys = [line.partition(":")[0] for line in status.splitlines()]
    assert keys == ["STATE", "ADDRESS", "SIGN-IN", "PID", "STARTED", "ROOT", "LOG"]
    assert f"ADDRESS: http://127.0.0.1:{console.port}\n" in status
    done = console.clara("console", "start", code=1)
    assert "runs already" in done.stderr and "clara console restart" in done.stderr
    console.clara("console", "restart", "-y")
    running = CONSOLE.find_running(console.root)
    assert running is not None and running.options.port == console.port
    assert f"PID: {running.pid}\n" not in status
    assert httpx.get(f"{console.address}/health").status_code == 200
    assert console.clara("console", "stop", "-y").stdout == "Clara Console stopped.\n"
    assert CONSOLE.find_running(console.root) is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{console.address}/health")


def test_it_starts_with_the_platform(console: Console) -> None:
    console.folder.mkdir()
    try:
        with socket.create_server(("127.0.0.1", 32002)):
            taken = False
    except OSError:  # by somebody's own console
        taken = True
    try:
        done = console.clara("platform", "start", "--port", "0", "--console", code=1 if taken else 0)
        said = done.stderr if taken else done.stdout
        assert "http://127.0.0.1:32002" in said
        if not taken:
            assert httpx.get("http://127.0.0.1:32002/health").status_code == 200
    finally:
        console.clara("platform", "stop")
        console.clara("console", "stop")


def test_a_console_that_runs_already_is_left_as_it_is(console: Console) -> None:
    console.start()
    try:
        done = console.clara("platform", "start", "--port", "0", "--console")
        assert f"The console runs already, on {console.address}." in done.stderr
        done = console.clara("platform", "start", "--foreground", "--console", code=2)
        assert "--foreground" in done.stderr
    finally:
        console.clara("platform", "stop")
        console.stop()


def test_a_port_that_is_taken(console: Console) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = console.clara("console", "start", "--port", port, code=1)
    assert f"cannot listen on http://127.0.0.1:{port}" in done.stderr
    assert f"clara console start --port {port + 1}" in done.stderr
    assert not (console.root.console / "state.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground(console: Console, number: signal.Signals) -> None:
    console.folder.mkdir()
    command = [installed_command(), "console", "start", "--foreground", "--port", "0"]
    environment = {**os.environ, "HOME": str(console.folder), "CLARA_ROOT": str(console.root.path)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = [process.stderr.readline(), process.stderr.readline()]
    found = re.search(r"Listening on (http://127\.0\.0\.1:\d+)", "".join(said))
    assert found, said
    # A page that follows news does not keep it from ending.
    with httpx.stream("GET", f"{found[1]}/events?topic=jobs") as stream:
        assert "hello" in next(stream.iter_text())
        process.send_signal(number)
        assert process.wait(15) == 0
    process.stderr.close()


def test_a_console_that_was_killed_leaves_nothing_in_the_way(console: Console) -> None:
    console.start()
    running = CONSOLE.find_running(console.root)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: CONSOLE.find_running(console.root) is None, "its end")
    console.start()
    console.stop()


def test_the_browser_is_opened_on_request(console: Console, tmp_path: Path) -> None:
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    program.chmod(0o755)
    out = console.clara("console", "start", "--port", "0", "--open", BROWSER=str(program)).stdout
    try:
        opened = wait_until((tmp_path / "opened").exists, "the browser") and (tmp_path / "opened")
        address = wait_until(lambda: opened.read_text().strip(), "its address")
        assert f"ADDRESS: {address}\n" in out
    finally:
        console.stop()


def test_without_its_packages_one_line_says_what_to_install(console: Console) -> None:
    program = (
        "import sys\nsys.modules['fastapi'] = None\nfrom importlib import util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'fastapi' else find(name, *more)\n"
        "from clara_cli.cli import cli\ncli(sys.argv[1:], prog_name='clara')\n"
    )
    environment = {**os.environ, "HOME": str(console.folder.parent), "CLARA_ROOT": str(console.root.path)}
    for words, code in ((("start",), 0), (("restart",), 0), (("start", "--foreground"), 2)):
        done = subprocess.run(
            [sys.executable, "-c", program, "console", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code and done.stdout == ""
        assert "pip install 'clara-cli[console]'" in done.stderr
