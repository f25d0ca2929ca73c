"""How an operator's process ends: as a Python program does, with the status that tells the truth."""

import os
import signal
import time

import pytest

PROGRAM = """
import atexit, os, sys, threading, time, clara
report = open(sys.argv[1] if sys.argv[1:] else os.environ["REPORT"], "w")
def late():
    time.sleep(0.3)
    report.write("thread ")
def execute(driver, payload):
    view = payload.fastio_output_entries["data"].array
    view[:] = 7
    threading.Thread(target=late).start()
    report.write("execute ")
    {execute}
{hooks}
driver = clara.Driver(execute_handler=execute)
driver.start()
{wait}
"""
EARLY = "atexit.register(lambda: report.write('first-registered '))"
EXIT_ZERO = "atexit.register(sys.exit, 0)"


@pytest.mark.parametrize("wait", ["driver.wait_for_completion()", "", "try: driver.wait_for_completion()\nfinally: os"])
@pytest.mark.parametrize("hooks", ["", EARLY, EXIT_ZERO + "\n" + EARLY])
@pytest.mark.parametrize(
    ("execute", "code"), [("raise OSError('boom')", 1), ("sys.exit(9)", 9), ("return False", 1), ("return True", 0)]
)
def test_it_ends_as_a_program_does(runner, tmp_path, wait, hooks, execute, code):
    runner.add_output("data", "uint8", [4])
    text = PROGRAM.format(wait=wait, hooks=hooks, execute=execute)
    result = runner.run(text, REPORT=str(tmp_path / "report"))
    assert result.code == code, result.err
    expected = "execute thread " + ("first-registered " if hooks.endswith(EARLY) and hooks else "")
    assert (tmp_path / "report").read_text() == expected
    assert list(runner.array(0)) == [7] * 4


def test_what_is_registered_later_and_leaves_with_0_changes_nothing(runner, tmp_path):
    wait = "try: driver.wait_for_completion()\nexcept SystemExit: pass\n" + EXIT_ZERO + "\n" + EARLY + "\nsys.exit(0)"
    runner.add_output("data", "uint8", [4])
    result = runner.run(PROGRAM.format(wait=wait, hooks="", execute="1 / 0"), REPORT=str(tmp_path / "report"))
    assert result.code == 1
    assert (tmp_path / "report").read_text() == "execute thread first-registered "


def test_exit_handlers_of_the_c_library_run_too(runner):
    """What was registered before the driver's own runs after it."""
    hooks = (
        "import ctypes\nlibrary = ctypes.CDLL(None)\nlibrary.strdup.restype = ctypes.c_void_p\n"
        "library.__cxa_atexit(ctypes.cast(library.puts, ctypes.c_void_p),"
        " ctypes.c_void_p(library.strdup(b'from C')), None)"
    )
    runner.add_output("data", "uint8", [4])
    result = runner.run(PROGRAM.format(wait="", hooks=hooks, execute="return 0"), REPORT=os.devnull)
    assert (result.code, result.out) == (1, "from C\n"), result.err


STOPPED_TWICE = """
import os, signal, sys, threading, time, clara
def cleanup(driver):
    print("cleanup", flush=True)
    time.sleep(0.5)
    print("cleaned", flush=True)
def execute(driver, payload):
    print("begun", flush=True)
    time.sleep(60)
driver = clara.Driver(execute_handler=execute, cleanup_handler=cleanup)
driver.start()
driver.wait_for_completion()
"""


@pytest.mark.parametrize("first", ["runner", "signal"])
def test_two_reasons_to_stop_clean_up_once_and_to_the_end(runner, first):
    process = runner.start(STOPPED_TWICE)
    assert process.stdout.readline() == "begun\n"
    stops = [runner.hang_up, lambda: process.send_signal(signal.SIGTERM)]
    for stop in stops if first == "runner" else reversed(stops):
        stop()
    process.send_signal(signal.SIGTERM)
    result = runner.finish(process)
    assert result.out.split() == ["cleanup", "cleaned"]
    assert result.code in (1, 143), "the first reason counts"


def test_many_threads_that_stop_at_once(runner):
    text = STOPPED_TWICE.replace(
        "time.sleep(60)",
        "life = driver._life; gate = threading.Barrier(9)\n"
        "    def stop():\n        gate.wait(); life._stop(5)\n"
        "    for _ in range(8): threading.Thread(target=stop, daemon=True).start()\n"
        "    gate.wait(); time.sleep(60)",
    )
    result = runner.run(text)
    assert result.out.split() == ["begun", "cleanup", "cleaned"], result.err
    assert result.code == 5


def test_whoever_asks_again_after_a_while_does_not_wait(runner):
    process = runner.start(STOPPED_TWICE.replace("sleep(0.5)", "sleep(60)"))
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "cleanup\n"
    time.sleep(1.1)
    process.send_signal(signal.SIGTERM)
    assert runner.finish(process).code == 143


def test_the_runner_is_gone_before_execute_begins(runner, tmp_path):
    """It answers that the inputs are ready, and is gone before the handler of that very news returns."""
    code = """
    import os, time, clara
    def note(driver, note):
        if note.id == 3:
            print("ready", flush=True)
            while not os.path.exists(os.environ["GATE"]): time.sleep(0.01)
            time.sleep(0.3)
    driver = clara.Driver(
        execute_handler=lambda driver, payload: print("executed", flush=True) or time.sleep(60),
        cleanup_handler=lambda driver: print("cleanup"),
        notification_handler=note,
    )
    driver.start()
    driver.wait_for_completion()
    """
    process = runner.start(code, GATE=str(tmp_path / "gate"))
    assert process.stdout.readline() == "ready\n"
    runner.hang_up()
    (tmp_path / "gate").touch()
    result = runner.finish(process)
    assert (result.code, result.out) == (1, "cleanup\n"), result.err
    assert "the job's runner is gone" in result.err


FORKS = {
    "falls out of the handler": "os.fork()",
    "raises": "if os.fork() == 0: raise OSError('in the child')",
    "leaves": "if os.fork() == 0: sys.exit(3)",
    "ends slowly": "if os.fork() == 0: time.sleep(0.2)",
    "a process of multiprocessing": "import multiprocessing as m; c = m.get_context('fork').Process(target=print)\n"
    "        c.start()",
}


@pytest.mark.parametrize("forks", FORKS.values(), ids=FORKS.keys())
@pytest.mark.parametrize("number", [1, 3, 6])
def test_a_child_forked_by_a_notification_handler_takes_no_part(runner, forks, number):
    code = f"""
import os, sys, time, clara
def note(driver, note):
    if note.id == {number}:
        {forks}
def execute(driver, payload):
    print("executed", flush=True)
driver = clara.Driver(execute_handler=execute, notification_handler=note,
                      cleanup_handler=lambda driver: print("cleanup", flush=True))
driver.start()
driver.wait_for_completion()
"""
    result = runner.run(code)
    assert (result.code, result.out.split()) == (0, ["executed", "cleanup"]), result.err
    assert [request["op"] for request in runner.seen] == ["hello", "wait"]


def test_a_child_does_not_speak_on_its_parents_connection(runner):
    code = """
    allocation = payload.fastio_context.create(16)
    allocation.map()[:] = 3
    child = os.fork()
    if child == 0:
        import gc
        for call in (lambda: payload.fastio_context.create(1), allocation.unmap, driver.wait_for_completion):
            try: call()
            except clara.Error as error: print("refused:", error, flush=True)
        del allocation
        gc.collect()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (allocation.mapped, list(allocation.map("read")[:2]) if allocation.unmap() is None else 0)[1] == [3, 3]
    """
    result = runner.execute(code)
    assert result.code == 0, result.err
    assert result.out.count("refused:") == 3
    ops = [request["op"] for request in runner.seen]
    assert ops.count("create") == 1 and ops.count("release") == 1, ops


def test_a_child_that_lives_on_does_not_hold_the_connection(runner):
    """The runner sees the operator's end, even one without a farewell, although a child of it goes on."""
    code = """
    child = os.fork()
    if child == 0:
        os.close(1); os.close(2)
        time.sleep(60)
    print(child, flush=True)
    os.kill(os.getpid(), 9)
    """
    result = runner.execute(code)
    try:
        assert result.code == -9, result.err
        deadline = time.monotonic() + 10
        while runner.connection.fileno() != -1:
            assert time.monotonic() < deadline, "the connection is still open"
            time.sleep(0.01)
    finally:
        os.kill(int(result.out), signal.SIGKILL)


def test_a_child_does_not_wait_for_a_request_of_its_parent(runner):
    """The lock that another thread held when the child was forked is never opened in the child."""
    code = """
    import threading
    held = threading.Thread(target=driver._life._link._lock.acquire)
    held.start(); held.join()
    child = os.fork()
    if child == 0:
        try: payload.fastio_context.get("x")
        except clara.Error as error: print(error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    driver._life._link._lock.release()
    """
    result = runner.execute(code)
    assert result.code == 0, result.err
    assert result.out.startswith("the job's runner is spoken to by the process that started the driver")


def test_a_spawned_child_is_told_to_guard_the_program(runner, tmp_path):
    program = tmp_path / "main.py"
    program.write_text(
        "import multiprocessing, clara\n"
        "def execute(driver, payload):\n"
        "    child = multiprocessing.get_context('spawn').Process(target=print)\n"
        "    child.start(); child.join(); print('child', child.exitcode)\n"
        "driver = clara.Driver(execute_handler=execute)\ndriver.start()\ndriver.wait_for_completion()\n"
    )
    result = runner.run(program)
    assert (result.code, result.out) == (0, "child 1\n"), result.err
    assert 'put what starts it under `if __name__ == "__main__":`' in result.err
    assert [request["op"] for request in runner.seen] == ["hello", "wait"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
def test_another_users_socket_is_no_runner(runner):
    import subprocess
    import sys

    name = f"clara-test-{os.urandom(8).hex()}"
    script = (
        "import os, socket, sys\nos.setuid(65534)\ns = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        f"s.bind('\\0{name}')\ns.listen()\nprint('up', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "up\n"
        result = runner.run("import clara\nclara.Driver().start()", CLARA_JOB_SOCKET=name)
        other.stdin.close()
    assert result.code == 1 and "another user (uid 65534) listens" in result.err
