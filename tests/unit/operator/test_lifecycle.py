"""Order of events, success and failure, exit status, and being stopped."""

import signal
import time

import pytest
from clara import Driver, Error

ALL_HANDLERS = """
import sys, clara
def note(event, result=None):
    print(event, flush=True)
    return result
driver = clara.Driver(
    startup_handler=lambda d: note("startup"),
    prepare_handler=lambda d: note("prepare", {prepare}),
    execute_handler=lambda d, p: note("execute", {execute}),
    cleanup_handler=lambda d: note("cleanup", {cleanup}),
)
driver.start()
{wait}
"""
WAIT = "driver.wait_for_completion()"


def program(prepare="True", execute="None", cleanup="True", wait=WAIT):
    return ALL_HANDLERS.format(prepare=prepare, execute=execute, cleanup=cleanup, wait=wait)


@pytest.mark.parametrize("wait", [WAIT, ""])
@pytest.mark.parametrize(
    ("results", "code", "events"),
    [
        ({}, 0, "startup prepare execute cleanup"),
        ({"execute": "'yes'"}, 0, "startup prepare execute cleanup"),
        ({"prepare": "False"}, 1, "startup prepare cleanup"),
        ({"execute": "False"}, 1, "startup prepare execute cleanup"),
        ({"execute": "0"}, 1, "startup prepare execute cleanup"),
        ({"execute": "1 / 0"}, 1, "startup prepare cleanup"),
        ({"execute": "sys.exit(7)"}, 7, "startup prepare cleanup"),
        ({"execute": "sys.exit()"}, 0, "startup prepare cleanup"),
        ({"execute": "sys.exit(256)"}, 1, "startup prepare cleanup"),
        ({"cleanup": "[]"}, 1, "startup prepare execute cleanup"),
    ],
)
def test_events_and_status(runner, wait, results, code, events):
    result = runner.run(program(**results, wait=wait))
    assert (result.code, result.out.split()) == (code, events.split()), result.err
    assert ("[driver]" in result.err) == (code != 0)


def test_exception_shows_its_traceback_and_text_of_exit(runner):
    assert "ZeroDivisionError" in runner.run(program(execute="1 / 0")).err
    assert "no such patient\n" in runner.run(program(execute="sys.exit('no such patient')")).err


def test_program_that_swallows_the_status_still_fails(runner):
    wait = "try:\n    driver.wait_for_completion()\nexcept BaseException: pass"
    assert runner.run(program(execute="False", wait=wait)).code == 1


def test_no_handlers_at_all(runner):
    assert runner.run("import clara\nwith clara.Driver() as d: d.start()").code == 0
    assert [request["op"] for request in runner.seen] == ["hello", "wait"]


def test_job_is_known_after_start(runner):
    result = runner.execute("print(driver.job_id, driver.job_name, driver.stage_name)")
    assert result.out == "11111111-2222-3333-4444-555555555555 a-job stage-under-test\n"


def test_trace_goes_to_stderr(runner):
    result = runner.execute("print('mine')", CLARA_TRACE="2")
    assert result.out == "mine\n"
    assert all(line.startswith("[driver] ") for line in result.err.splitlines())
    assert '"op": "wait"' in result.err


@pytest.mark.parametrize(
    "handler",
    [
        "lambda driver, note: print(note.id, note.severity, note)",
        "lambda driver, id, message: print(id, message)",
        "lambda note: print(note.id, note)",
        "lambda *all: print(all[1], all[2])",
        "lambda driver, note: print(note.id) or 1 / 0",
    ],
)
def test_notifications(runner, handler):
    code = f"""
    import clara
    driver = clara.Driver(error_handler={handler}, execute=lambda d, p: False)
    driver.start()
    driver.wait_for_completion()
    """
    result = runner.run(code)
    assert [line.split()[0] for line in result.out.splitlines()] == ["1", "2", "3", "100", "5", "6"]
    assert ("ZeroDivisionError" in result.err) == ("1 / 0" in handler)
    assert result.code == 1


def test_decorators(runner):
    code = """
    import clara
    @clara.startup_cb
    def startup(): print("startup")
    @clara.prepare_cb
    def prepare(driver): print("prepare")
    @clara.execute_cb
    def execute(payload): print(type(payload).__name__); return False
    @clara.cleanup_cb
    def cleanup(): print("cleanup")
    @clara.error_cb
    def error(note): print("error", note.id)
    clara.start()
    clara.wait_for_completion()
    """
    result = runner.run(code)
    assert result.out.split() == ["startup", "prepare", "Payload", "error", "100", "cleanup"], result.err
    assert result.code == 1


def test_wrong_use_of_the_driver():
    with pytest.raises(TypeError, match="callable"):
        Driver(execute_handler=3)
    with pytest.raises(TypeError, match="exekute"):
        Driver(exekute=print)
    with pytest.raises(Error, match="not started"):
        Driver().wait_for_completion()
    assert Driver(app_data=[1]).application_data == [1]
    assert Driver().job_id.int == 0 and Driver().stage_name == ""


def test_second_start_and_wait_inside_a_handler(runner):
    result = runner.execute(
        """
        for call in (driver.start, driver.wait_for_completion):
            try: call()
            except clara.Error as error: print(error)
        """
    )
    assert "already started" in result.out and "own driver" in result.out


def test_runner_is_not_there(runner):
    result = runner.run(program(), CLARA_JOB_SOCKET="clara-test-nobody-listens-here")
    assert result.code == 1 and "the job's runner is gone" in result.err


@pytest.mark.parametrize("wait", [WAIT, ""])
def test_runner_leaves_while_the_operator_waits(runner, wait):
    runner.hold = True
    process = runner.start(program(wait=wait))
    assert runner.waiting.wait(10)
    runner.hang_up()
    result = runner.finish(process)
    assert (result.code, result.out.split()) == (1, ["startup", "prepare", "cleanup"])
    assert "the job's runner is gone" in result.err


def test_runner_leaves_while_execute_runs(runner):
    process = runner.start(program(execute="__import__('time').sleep(60)"))
    assert runner.waiting.wait(10)
    time.sleep(0.3)
    runner.hang_up()
    result = runner.finish(process)
    assert (result.code, result.out.split()) == (1, ["startup", "prepare", "cleanup"])


def test_job_is_cancelled_before_the_inputs_are_ready(runner):
    runner.refuse["wait"] = ("the job is being cancelled", "state")
    result = runner.run(program())
    assert (result.code, result.out.split()) == (143, ["startup", "prepare", "cleanup"])


def test_stopping_a_cancelled_operator_lets_its_cleanup_finish(runner):
    runner.refuse["wait"] = ("the job is being cancelled", "state")
    slow = "print('begun', flush=True) or __import__('time').sleep(1) or print('finished')"
    process = runner.start(program(cleanup=slow))
    assert [process.stdout.readline() for _ in range(3)][-1] == "begun\n"
    process.send_signal(signal.SIGTERM)
    result = runner.finish(process)
    assert (result.code, result.out.split()) == (143, ["finished", "cleanup"])


def test_a_reply_that_makes_no_sense_is_a_failure(runner):
    runner.inputs.append({"kind": "stream"})
    runner.shapes.append(None)
    result = runner.run(program())
    assert (result.code, result.out.split()) == (1, ["startup", "prepare", "cleanup"])
    assert "the driver failed" in result.err


@pytest.mark.parametrize("wait", [WAIT, "", "import time; time.sleep(60)"])
@pytest.mark.parametrize("moment", ["wait", "execute"])
def test_sigterm(runner, wait, moment):
    runner.hold = moment == "wait"
    process = runner.start(program(execute="print('begun', flush=True) or __import__('time').sleep(60)", wait=wait))
    assert runner.waiting.wait(10)
    if moment == "execute":
        assert [process.stdout.readline() for _ in range(3)][-1] == "begun\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    result = runner.finish(process)
    assert result.code == 143, result.err
    assert result.out.split()[-1] == "cleanup" and result.out.count("cleanup") == 1
    assert "Traceback" not in result.err


def test_sigterm_handler_of_the_program_stays(runner):
    code = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: None)\n" + program(
        execute="signal.getsignal(signal.SIGTERM).__name__ == '<lambda>'"
    )
    assert runner.run(code).code == 0


def test_sigterm_to_a_forked_child_is_the_childs_own(runner):
    result = runner.execute(
        """
        import signal
        child = os.fork()
        if child == 0:
            time.sleep(60)
        time.sleep(0.2)
        os.kill(child, signal.SIGTERM)
        print(os.waitpid(child, 0)[1])
        """
    )
    # the child was forked off the driver's thread, where Python runs no signal handlers of its own accord
    assert result.out.strip() in ("15", str(143 << 8)), result.err
    assert result.code == 0


def test_interrupt_from_the_keyboard(runner):
    runner.hold = True
    process = runner.start(program())
    assert runner.waiting.wait(10)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    result = runner.finish(process)
    assert (result.code, result.out.split()) == (130, ["startup", "prepare", "cleanup"])
