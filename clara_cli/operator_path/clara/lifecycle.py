"""The order of events in an operator process, how it is stopped, and the status it ends with."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

from clara import notification, trace
from clara.errors import Error, RunnerGone, WrongState
from clara.exit_status import force_status
from clara.handlers import Handlers, Outcome, call, leave
from clara.link import Link
from clara.notification import Notification
from clara.payload import Payload

if TYPE_CHECKING:
    from clara.driver import Driver

STOPPED = 128 + signal.SIGTERM
INTERRUPTED = 128 + signal.SIGINT
# seconds a thread that only waits needs to come back
PATIENCE = 0.5
# seconds after which a request to stop is a second one; a process group and a wrapper script pass on the same one
AGAIN = 1.0


class Latch:
    """Closed once, opened once.

    Waiting may be interrupted by a signal whose handler waits too: `Thread.join` forgets the thread when an
    exception interrupts it, and `Event` may lock itself out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        self._lock.release()

    def wait(self, seconds: float = -1) -> bool:
        """Whether it is open, after at most so many seconds."""
        if not self._lock.acquire(timeout=seconds):
            return False
        self._lock.release()
        return True


class LifeCycle:
    """prepare, wait for inputs, execute, internal clean-up, cleanup: once each, on one thread.

    Parameters
    ----------
    driver : Driver
        Handed to the handlers.
    job : dict
        The answer to `hello`.
    """

    def __init__(self, driver: Driver, handlers: Handlers, link: Link, job: dict[str, Any]) -> None:
        self._driver, self._handlers, self._link, self._job = driver, handlers, link, job
        self._code = 0
        self._stop_code: int | None = None
        self._executing = False
        self._waiting = 0
        # held for a moment only, never by a thread that a signal handler interrupts
        self._execute_or_gone = threading.Lock()
        self._stop_claim = threading.Lock()
        self._stopper: int | None = None
        self._stopped_at = 0.0
        self._cleanup_claim = threading.Lock()
        self._cleaned = Latch()
        self._ended = Latch()
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name="clara-driver")

    @property
    def status(self) -> int:
        """Exit status of the process: why it was stopped, else the first failure, else 0."""
        return self._code if self._stop_code is None else self._stop_code

    def start(self, startup: Outcome) -> None:
        """Start the thread; does not block."""
        self._record(startup)
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._on_term)
        atexit.register(self._at_exit)
        self._link.watch(self._on_gone)
        self._notify(notification.STARTED, "started")
        self._thread.start()

    def wait(self) -> None:
        """Block until the thread ends; SystemExit unless everything succeeded."""
        if os.getpid() != self._process:
            raise WrongState("the driver belongs to the process that started it, not to one that it forked")
        if threading.current_thread() is self._thread:
            raise WrongState("a handler cannot wait for its own driver")
        self._waiting += 1
        try:
            self._ended.wait()
        except KeyboardInterrupt:
            self._stop(INTERRUPTED)
        finally:
            self._waiting -= 1
        if self.status:
            raise SystemExit(self.status)

    def _run(self) -> None:
        try:
            shapes = self._prepare_and_wait() if not self.status else None
            if shapes is not None:
                self._execute(shapes)
        except BaseException as error:
            traceback.print_exc()
            self._record(Outcome(1, "the driver failed: {!r}".format(error)))
        try:
            self._clean_up()
            self._link.close()
            self._notify(notification.COMPLETED, "completed with status {}".format(self.status))
        finally:
            self._ended.open()

    def _prepare_and_wait(self) -> list[Any] | None:
        self._record(call("prepare", self._handlers.prepare, self._driver))
        if self.status:
            return None
        self._notify(notification.PREPARED, "waiting for the inputs")
        try:
            shapes: list[Any] = self._link.request("wait").fields["shapes"]
        except RunnerGone as error:
            if self._stop_code is None:
                self._record(Outcome(1, str(error)))
            return None
        except Error as error:
            # the runner refuses to hand out the inputs: the job is being cancelled
            trace.state("not executed: {}".format(error))
            self._stop_code = STOPPED
            return None
        self._notify(notification.READY, "inputs are ready")
        return shapes if self._stop_code is None else None

    def _execute(self, shapes: list[Any]) -> None:
        try:
            payload = Payload(self._link, self._job["inputs"], self._job["outputs"], shapes)
        except Error as error:
            self._record(Outcome(1, "execute was not called: {}".format(error)))
            return
        try:
            self._begin_execute()
            payload.allocate_fixed()
            self._record(call("execute", self._handlers.execute, self._driver, payload))
            if not self.status:
                self._check_allocated(payload.unallocated())
        except Error as error:
            self._record(Outcome(1, "execute was not called: {}".format(error)))
        finally:
            self._executing = False
            self._close(payload)

    def _begin_execute(self) -> None:
        with self._execute_or_gone:
            if self._link.gone():
                raise RunnerGone("the job's runner is gone")
            self._executing = True

    def _check_allocated(self, missing: list[str]) -> None:
        if missing:
            text = "execute gave no shape to the output {}".format(", ".join(missing))
            self._record(Outcome(1, text))
        else:
            self._notify(notification.EXECUTED, "executed")

    def _close(self, payload: Payload) -> None:
        try:
            payload.close()
        except (Error, OSError) as error:
            self._record(Outcome(1, "internal clean-up failed: {}".format(error)))

    def _clean_up(self) -> None:
        """Run the cleanup handler, or wait for the thread that already does."""
        if not self._cleanup_claim.acquire(blocking=False):
            self._cleaned.wait()
            return
        self._record(call("cleanup", self._handlers.cleanup, self._driver))
        self._cleaned.open()
        self._notify(notification.CLEANED, "cleaned up")

    def _record(self, outcome: Outcome) -> None:
        if outcome.code:
            self._code = self._code or outcome.code
            self._notify(notification.FAILED, outcome.message)

    def _notify(self, number: int, message: str) -> None:
        failed = number == notification.FAILED
        (trace.error if failed else trace.state)(message)
        note = Notification(number, "error" if failed else "info", message)
        notification.notify(self._handlers.notification, self._driver, note)

    def _stop(self, code: int) -> None:
        """End the process in an orderly way: no further event but cleanup. Returns only into `wait`.

        Of several callers the first does it, whether they are threads or a signal handler that interrupts one.
        """
        if not self._stop_claim.acquire(blocking=False):
            self._stop_again(code)
            return
        self._stopper, self._stopped_at = threading.get_ident(), time.monotonic()
        self._stop_code = code
        self._link.interrupt()
        if not self._ended.wait(PATIENCE):
            self._clean_up()
            leave(code)
        if not self._waiting or threading.current_thread() is not threading.main_thread():
            leave(code)

    def _stop_again(self, code: int) -> None:
        if self._stopped_at and time.monotonic() - self._stopped_at > AGAIN:
            leave(code)  # whoever asks for a second time does not want to wait
        if self._stopper is not None and self._stopper != threading.get_ident():
            self._ended.wait()  # the other thread ends the process

    def _on_term(self, *_: object) -> None:
        if os.getpid() != self._process:
            # a child forked by the operator inherits this handler but has no life-cycle to end
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        trace.state("asked to stop")
        self._stop(STOPPED)

    def _on_gone(self) -> None:
        with self._execute_or_gone:
            executing = self._executing
        # else the next request, or the beginning of execute, finds out
        if executing:
            trace.error("the job's runner is gone")
            self._stop(1)

    def _at_exit(self) -> None:
        """The status of a program that never waited, or that swallowed the SystemExit of waiting."""
        if os.getpid() == self._process and self.status:
            force_status(self.status)
