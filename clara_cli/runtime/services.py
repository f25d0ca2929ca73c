"""The running services of one job: started before its operators, waited for at their ports, stopped after them."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clara_cli.errors import ClaraError
from clara_cli.pipelines.model import Connection, Operator
from clara_cli.runtime.outfit import clear_own, service_request
from clara_cli.runtime.plan import JobPlan
from clara_cli.runtime.ports import HOST, answers, choose_port
from clara_cli.runtime.process import OperatorProcess, OperatorRequest, exit_text

if TYPE_CHECKING:
    from clara_cli.runtime.service_plan import ServicePlan

DATA_VARIABLE = "NVIDIA_CLARA_SERVICE_DATA_PATH"
PORT_VARIABLE = "NVIDIA_CLARA_SERVICE_PORT"
# Seconds between looks at a service's ports.
_PAUSE = 0.05
_REFERENCE = re.compile(r"\$\$\(|\$\((\w+)\)")


@dataclass(eq=False)
class _Server:
    """One service: `moved` are declared ports that others had, with those that were chosen instead."""

    plan: ServicePlan
    addresses: dict[Connection, str] = field(default_factory=dict)
    ports: dict[int | str, int] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    process: OperatorProcess | None = None
    ready: bool = False
    deadline: float = 0.0


class Services:
    """Starts, watches and stops a job's services in the runner's loop.

    Args:
        watch: keep a process's log flowing, and call back once when the process has ended.
        failed: told of a service that could not do what it is there for: why, and its exit code.
    """

    def __init__(
        self,
        plan: JobPlan,
        watch: Callable[[OperatorProcess, Callable[[], None]], None],
        failed: Callable[[ServicePlan, str, int | None], None],
    ) -> None:
        self._plan = plan
        self._watch = watch
        self._failed = failed
        self._servers = [_Server(item) for item in plan.services]
        self._stopping = False

    @property
    def starting(self) -> bool:
        """Whether a service does not answer yet."""
        return not all(server.ready for server in self._servers)

    @property
    def running(self) -> bool:
        """Whether any service's process has not ended."""
        return any(server.process for server in self._servers)

    def begin(self, now: float) -> None:
        """Start all services, unless one cannot be started."""
        common = self._plan.folder / "common"
        if self._servers and self._plan.models is not None:
            self._plan.models.lay_out(common)
        taken: set[int] = set()
        for server in self._servers:
            self._choose_addresses(server, taken)
            try:
                server.process = process = OperatorProcess(self._request(server, common))
            except (ClaraError, OSError) as error:
                self._failed(server.plan, f"it could not be started: {error}", None)
                return
            server.deadline = now + self._plan.limits.service
            self._watch(process, partial(self._ended, server, process))

    def patience(self) -> list[float]:
        """Seconds until the next look, if one is wanted."""
        return [_PAUSE] if self.starting or (self._stopping and self.running) else []

    def check(self, now: float) -> None:
        """See which services answer by now, and give up those that take too long."""
        for server in self._servers:
            if server.process is None or server.ready or self._stopping:
                continue
            silent = [port for port in server.ports.values() if not answers(port)]
            server.ready = not silent
            if silent and now >= server.deadline:
                self._stopping = True
                where, waited = f"{HOST}:{silent[0]}", f"{self._plan.limits.service:g} s"
                self._failed(server.plan, f"it does not answer at {where} after {waited}{_note(server)}", None)

    def variables(self, operator: Operator) -> dict[str, str]:
        """What an operator is told of the services that it needs."""
        if not self._servers:
            return {}
        from clara_cli.runtime.triton import is_triton, server_of, triton_variables

        told: dict[str, str] = {}
        for server in self._servers:
            if operator.models and is_triton(server.plan.service) and (triton := server_of(server.addresses)):
                told.update(triton_variables(triton))
        for server in self._servers:
            if operator.name in server.plan.operators:
                own = {item.name for declared in operator.services for item in declared.connections}
                told.update({item.name: value for item, value in server.addresses.items() if item.name in own})
        return told

    def stop(self) -> None:
        """Ask all to end."""
        self._stopping = True
        for server in self._servers:
            if server.process is not None:
                server.process.signal(signal.SIGTERM)

    def close(self) -> None:
        """End what has not ended."""
        for server in self._servers:
            if server.process is not None:
                server.process.signal(signal.SIGKILL)
                server.process.reap()
                server.process = None
                clear_own(self._plan, server.plan.label)

    def _choose_addresses(self, server: _Server, taken: set[int]) -> None:
        for item in server.plan.service.connections:
            if item.kind != "http":
                folder = self._plan.folder / "volumes" / server.plan.label / item.name
                folder.mkdir(parents=True, exist_ok=True)
                server.addresses[item] = str(folder)
                continue
            key = item.port or item.name
            if key not in server.ports:
                port = server.ports[key] = choose_port(item.port, taken)
                taken.add(port)
                if item.port not in (None, port):
                    server.moved[item.port or 0] = port
            server.addresses[item] = f"{HOST}:{server.ports[key]}"

    def _request(self, server: _Server, common: Path) -> OperatorRequest:
        plan, service = self._plan, server.plan.service
        given = {item.name: value for item, value in server.addresses.items()}
        given[DATA_VARIABLE] = str(common)
        if server.ports:
            given[PORT_VARIABLE] = str(next(iter(server.ports.values())))
        if plan.machine.gpus:
            count = min(service.requests.gpu or 0, len(plan.machine.gpus))
            given["CUDA_VISIBLE_DEVICES"] = ",".join(plan.machine.gpus[len(plan.machine.gpus) - count :])
        folders = {item.path: server.addresses[item] for item in service.connections if item.path}
        command = [with_references(word, {**given, **service.variables}) for word in service.command]
        return service_request(plan, server.plan, command, given, folders)

    def _ended(self, server: _Server, process: OperatorProcess) -> None:
        code = process.reap()
        server.process = None
        clear_own(self._plan, server.plan.label)
        if self._stopping:
            return
        before = "" if server.ready else "before it answered at its port, "
        server.ready = True
        how = f"it ended {before}with {exit_text(code)}{_note(server)}"
        self._failed(server.plan, how if process.unstarted is None else process.failure(code), code)


def with_references(word: str, values: Mapping[str, str]) -> str:
    """A word of a service's command with `$(NAME)` replaced where the name is known; `$$(` stands for `$(`."""

    def value(found: re.Match[str]) -> str:
        return "$(" if found[1] is None else values.get(found[1], found[0])

    return _REFERENCE.sub(value, word)


def _note(server: _Server) -> str:
    """What may be the reason, when declared ports were not free."""
    if not server.moved:
        return ""
    moves = ", ".join(f"{declared} (so {port} was chosen)" for declared, port in server.moved.items())
    return f"; another program has port {moves}, and {PORT_VARIABLE} or $({PORT_VARIABLE}) has to tell the service"
