"""The runner: one job from its first process to its last, in one loop without threads.

It can run inside any process and on any thread: no signal handler, no waiting for children it did not start, no
change of folder. Everything it does to the world outside goes through the `Listener`.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections import deque
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clara_cli.errors import ClaraError, RuntimeFailure
from clara_cli.pipelines.model import Operator
from clara_cli.runtime.capacity import Capacity, Room, need, shortfalls
from clara_cli.runtime.descriptors import enough_descriptors
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.job_socket import JobSocket, Peer
from clara_cli.runtime.limits import Deadlines
from clara_cli.runtime.listener import Listener
from clara_cli.runtime.outfit import clear_own, operator_request
from clara_cli.runtime.peers import Peers
from clara_cli.runtime.plan import JobPlan, JobResult, OperatorFailure
from clara_cli.runtime.process import OperatorProcess, OperatorRequest, log_tail
from clara_cli.runtime.requests import Desk
from clara_cli.runtime.resources import Resources
from clara_cli.runtime.schedule import Action, LetOn, Node, Schedule, Start
from clara_cli.runtime.services import Services
from clara_cli.runtime.stop import GRACE, StopRequest
from clara_cli.runtime.strays import ask_strays, end_strays
from clara_cli.runtime.variables import Variables
from clara_cli.runtime.watch import Watch

if TYPE_CHECKING:
    from clara_cli.runtime.service_plan import ServicePlan

# Seconds that services have to end by themselves once nobody needs them.
SERVICE_GRACE = 5.0


@dataclass(eq=False)
class _Running:
    """One started operator.

    Attributes:
        begun: it is RUNNING.
        stopped: it was asked to end before its time.
        waiting: its drivers that wait for inputs.
        overdue: which time limit of its own was over.
    """

    operator: Operator
    process: OperatorProcess
    begun: bool = False
    stopped: bool = False
    waiting: list[Peer] = field(default_factory=list)
    overdue: str | None = None


class Runner:
    """Runs one job; use once.

    Args:
        room: where operators get what they request; None for a machine that the job has for itself.
        warm: forks operators in Python; None where every one is started anew.
    """

    def __init__(
        self,
        plan: JobPlan,
        listener: Listener,
        stop: StopRequest,
        room: Room | None = None,
        warm: ForkServer | None = None,
    ) -> None:
        self._plan = plan
        self._room = room or Capacity(plan.machine)
        self._listener = listener
        self._stop = stop
        self._warm = warm
        names = {operator.name for operator in plan.pipeline.operators}
        nodes = [self._node(operator, names) for operator in plan.pipeline.operators]
        self._schedule = Schedule(nodes, self._room)
        self._watch = Watch(lambda text: listener.message("warning", text))
        self._services = Services(plan, self._watch.process, self._service_failed)
        self._running: dict[str, _Running] = {}
        self._failures: list[OperatorFailure] = []
        self._terminated: str | None = None
        self._deadlines = Deadlines()
        self._deadline: float | None = None
        self._grace = GRACE
        self._strays = bool(plan.services)

    def run(self) -> JobResult:
        """Run the job to its end. Whatever happens, no process and no shared memory of it is left.

        Raises:
            RuntimeFailure: the job's folder, shared memory or the job's socket cannot be made.
        """
        plan = self._plan
        with ExitStack() as stack:
            try:
                (plan.folder / "logs").mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RuntimeFailure(f"cannot use the job's folder {plan.folder}: {error.strerror}") from error
            stack.enter_context(enough_descriptors(plan.pipeline))
            stack.enter_context(closing(self._watch))
            self._variables = stack.enter_context(Variables(plan.pipeline))
            self._resources = stack.enter_context(closing(Resources()))
            self._socket = stack.enter_context(closing(JobSocket(plan.job_id)))
            # In this order backwards: each step is taken whatever becomes of the others.
            stack.callback(self._end_strays)
            stack.callback(self._services.close)
            self._desk = Desk(
                *(plan.job_id, plan.job_name, plan.pipeline, plan.tree, self._variables, self._resources),
                mounted=plan.mounted,
                on_wait=self._waits,
                on_cancel=self._stop.request,
            )
            peers = Peers(self._socket, self._desk, self._watch, lambda: len(self._running), self._left)
            stack.callback(peers.close)
            stack.callback(self._kill_operators)
            self._watch.descriptor(self._stop.descriptor, self._asked_to_stop)
            if self._room.descriptor is not None:
                self._watch.descriptor(self._room.descriptor, self._room.look)
            self._work()
            stopped = self._stop.reason if self._schedule.halted else None
            result = JobResult(stopped, tuple(self._failures), self._terminated)
            self._stop_services()
        if result.succeeded:
            for name in ("work", "common", "volumes"):
                shutil.rmtree(plan.folder / name, ignore_errors=True)
        return result

    def _work(self) -> None:
        """Start the services, and when all of them answer, run the operators."""
        limit = self._plan.limits.job if self._plan.pipeline.timeout is None else self._plan.pipeline.timeout
        self._deadlines.set(None, time.monotonic(), limit)
        for operator in self._plan.pipeline.operators:
            for shortfall in shortfalls(operator.requests, self._plan.machine):
                self._listener.message("warning", f"operator {operator.name} {shortfall}")
        self._services.begin(time.monotonic())
        while self._services.starting and not self._schedule.halted:
            self._turn()
        if not self._schedule.halted:
            self._apply(self._schedule.begin())
        while not self._schedule.finished:
            self._turn()

    def _stop_services(self) -> None:
        self._services.stop()
        self._deadlines.clear()
        end = time.monotonic() + SERVICE_GRACE
        while self._services.running and time.monotonic() < end and self._stop.times < 2:
            self._turn()

    def _turn(self) -> None:
        """Handle what has happened, or wait until something does."""
        self._watch.turn(self._patience())
        self._listener.tick()
        for running in self._running.values():
            running.process.meter.look(time.monotonic())
        if self._schedule.waits_for_room and self._room.descriptor is not None:
            self._apply(self._schedule.retry())
        self._services.check(time.monotonic())
        if not self._schedule.halted and not self._schedule.finished:
            self._check_limits()
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._deadline = None
            for running in self._running.values():
                running.process.signal(signal.SIGKILL)

    def _patience(self) -> float | None:
        waits = [] if self._listener.interval is None else [self._listener.interval]
        waits += self._services.patience()
        waits += [running.process.meter.patience(time.monotonic()) for running in self._running.values()]
        room = self._room.patience(self._schedule.waits_for_room)
        if room is not None:
            waits.append(room)
        if not self._schedule.halted:
            waits += self._deadlines.patience(time.monotonic())
        if self._deadline is not None:
            waits.append(max(0.0, self._deadline - time.monotonic()))
        return min(waits, default=None)

    def _check_limits(self) -> None:
        for name, seconds in self._deadlines.passed(time.monotonic()):
            whose = "the job" if name is None else f"operator {name}"
            text = f"{whose} took longer than its time limit of {seconds:g} s"
            if name is not None:
                self._running[name].overdue = text
            self._terminated = self._terminated or text
        if self._terminated is not None:
            self._listener.message("error", self._terminated)
            self._grace = self._plan.limits.grace
            self._halt()

    def _halt(self) -> None:
        """The job is over before its time; who was asked to end already is not asked again."""
        if not self._schedule.halted:
            self._apply(self._schedule.halt())

    def _apply(self, actions: list[Action]) -> None:
        queue = deque(actions)
        while queue:
            action = queue.popleft()
            running = self._running.get(action.name)
            if isinstance(action, Start):
                # A start that failed before this one may have ended the job.
                halted = self._schedule.halted
                queue.extend(self._schedule.ended(action.name, False) if halted else self._start(action))
            elif running is None:
                continue
            elif isinstance(action, LetOn):
                self._let_on(running)
            else:
                self._end(running)

    def _start(self, action: Start) -> list[Action]:
        """Start an operator's process; returns what follows if that fails."""
        operator = self._plan.pipeline.operator(action.name)
        try:
            process = OperatorProcess(self._outfit(operator), self._warm)
        except (ClaraError, OSError) as error:
            self._fail(operator, f"it could not be started: {error}", None)
            self._listener.operator_ended(operator.name, False, None)
            return self._schedule.ended(operator.name, False)
        running = self._running[operator.name] = _Running(operator, process)
        self._watch.process(process, lambda: self._ended(running))
        program = self._plan.programs[operator.name]
        for severity, texts in (("warning", program.warnings), ("notice", program.notices)):
            for text in texts:
                self._listener.message(severity, f"operator {operator.name}: {text}")
        if action.ready:
            self._begin(running)
        return []

    def _anew(self, running: _Running) -> bool:
        """Start an operator without the fork server, which ended before it came to it; whether that worked."""
        try:
            running.process = OperatorProcess(self._outfit(running.operator))
        except (ClaraError, OSError):
            return False  # reported as what it is: not started
        self._watch.process(running.process, lambda: self._ended(running))
        return True

    def _outfit(self, operator: Operator) -> OperatorRequest:
        descriptors = self._variables.descriptors(operator)
        return operator_request(self._plan, operator, self._given(operator), self._socket.name, descriptors)

    def _given(self, operator: Operator) -> dict[str, str]:
        """Addresses of the servers that the operator needs, and the GPUs that are its own: none where it asked none."""
        given = {**self._plan.variables.get(operator.name, {}), **self._services.variables(operator)}
        if self._plan.machine.gpus:
            given["CUDA_VISIBLE_DEVICES"] = ",".join(self._schedule.capacity.devices(operator.name))
        return given

    def _left(self, peer: Peer) -> None:
        for running in self._running.values():
            if peer in running.waiting:
                running.waiting.remove(peer)

    def _waits(self, peer: Peer) -> None:
        running = self._running.get(peer.stage or "")
        if running is None:
            return
        running.waiting.append(peer)
        if self._schedule.admitted(running.operator.name):
            self._let_on(running)

    def _let_on(self, running: _Running) -> None:
        """Answer the drivers that wait; an operator without one begins when it says so, or when it ends."""
        if running.waiting:
            self._begin(running)
        for peer in running.waiting:
            self._desk.ready(peer)
        running.waiting.clear()

    def _begin(self, running: _Running) -> None:
        if not running.begun:
            running.begun = True
            operator = running.operator
            limit = self._plan.limits.operator if operator.timeout is None else operator.timeout
            self._deadlines.set(operator.name, time.monotonic(), limit)
            self._listener.operator_began(running.operator.name)

    def _ended(self, running: _Running) -> None:
        """An operator's process ended: judge it, and let the schedule say what follows."""
        operator = running.operator
        code = running.process.reap()
        if running.process.unheard and not running.stopped and self._anew(running):
            return
        del self._running[operator.name]
        self._strays = self._strays or not running.process.gone
        if self._variables.seal(operator):
            # A process that it left behind could go on writing into what consumers read.
            end_strays(self._plan.job_id, operator.name)
        reason = self._fault(running, code)
        asked = self._schedule.halted and reason is not None
        if reason is None:
            self._begin(running)
            self._warn_of_empty_outputs(operator)
        elif not asked:
            self._fail(operator, reason, code)
        if running.begun or not asked:
            self._listener.operator_ended(operator.name, reason is None, code, running.process.usage)
        self._deadlines.drop(operator.name)
        actions = self._schedule.ended(operator.name, reason is None)
        self._variables.release(operator, self._schedule.completed)
        self._apply(actions)
        clear_own(self._plan, operator.name)  # last: consumers do not wait for it

    def _fault(self, running: _Running, code: int) -> str | None:
        """Why an ended operator did not do what was asked of it; None when it did."""
        if running.overdue is not None:
            return running.overdue
        if running.stopped:
            return "it was stopped"
        if code != 0 or running.process.unstarted is not None:
            self._explain(running.operator)
            return running.process.failure(code)
        if not self._schedule.ready(running.operator.name):
            return "it ended before its inputs were ready: a program with FastIO variables waits in the driver"
        if missing := self._variables.missing(running.operator):
            listed = ", ".join(f'"{name}"' for name in missing)
            return f"it ended without giving its FastIO output {listed} a shape (update_shape)"
        return None

    def _explain(self, operator: Operator) -> None:
        refusal = self._plan.mounts.refusal(operator.paths)
        if refusal is not None:
            from clara_cli.runtime.unseen import explain_unseen

            explain_unseen(self._plan.log(operator.name), operator.paths, refusal)

    def _fail(self, operator: Operator, reason: str, code: int | None) -> None:
        log = self._plan.log(operator.name)
        self._failures.append(OperatorFailure(operator.name, reason, code, log))
        said = "".join(f"; its last words: {line}" for line in log_tail(log, 1))
        self._listener.message("error", f"operator {operator.name} failed: {reason}{said}")

    def _service_failed(self, item: ServicePlan, reason: str, code: int | None) -> None:
        """A service cannot do what it is there for: a fault while an operator needs it, and the job is not ending."""
        needed = item.operators - self._schedule.completed
        if not needed or self._stop.reason is not None or self._terminated is not None:
            return
        self._failures.append(OperatorFailure(item.label, reason, code, self._plan.log(item.label), "service"))
        whose = ", ".join(sorted(needed))
        self._listener.message("error", f"service {item.label}, needed by operator {whose}, failed: {reason}")
        self._halt()

    def _warn_of_empty_outputs(self, operator: Operator) -> None:
        for output in operator.outputs:
            if output.path:
                folder = self._plan.tree.output_folder(operator.name, output)
                if not folder.is_dir() or not any(folder.iterdir()):
                    label = f'output "{output.name}"' if output.name else "output"
                    self._listener.message("warning", f"operator {operator.name} left its {label} empty")

    def _asked_to_stop(self) -> None:
        self._stop.acknowledge()
        if self._schedule.finished:
            return  # too late to change how the job ended
        if self._stop.times > 1:
            self._deadline = time.monotonic()
        self._halt()

    def _end(self, running: _Running) -> None:
        running.stopped = True
        # Its own group last: with mounts all others end as soon as the operator has.
        ask_strays(self._plan.job_id, running.operator.name, running.process.groups)
        running.process.signal(signal.SIGTERM)
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace

    def _end_strays(self) -> None:
        """Look for what is left of the job, unless all that it started ended with its namespace."""
        if self._strays:
            end_strays(self._plan.job_id)

    def _kill_operators(self) -> None:
        for running in self._running.values():
            running.process.signal(signal.SIGKILL)
        while self._running:
            name, running = self._running.popitem()
            running.process.reap()
            self._strays = self._strays or not running.process.gone
            clear_own(self._plan, name)

    def _node(self, operator: Operator, names: set[str]) -> Node:
        program = self._plan.programs[operator.name]
        said = {**program.environment, **operator.variables}.get("NVIDIA_CLARA_NOSYNCLOCK", "")
        unsynchronised = said.strip().lower() not in ("", "0", "false")
        waits = operator.has_fastio or program.uses_driver
        wanted = need(operator.requests, self._plan.machine)
        # Which GPUs are its own has to be known when its process starts.
        early = waits and not unsynchronised and not wanted.gpus
        # Sources that are no part of the plan completed in another job.
        return Node(operator.name, operator.sources & names, early, wanted)
