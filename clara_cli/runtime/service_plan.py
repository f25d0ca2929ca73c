"""Which services a job needs: started here, or running elsewhere already.

Two services are the same running one when image, tag and command agree. A connection whose address was given by the
user needs no service here; a service with any other connection needs a local program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from clara_cli.addresses import Triton
from clara_cli.errors import ClaraError, ImageError
from clara_cli.images.program import Program, argv
from clara_cli.pipelines.model import Connection, Pipeline, Service
from clara_cli.runtime.triton import is_triton, server_of, side_of, triton_variables

Find = Callable[[str, str, Sequence[str]], Program]


@dataclass(frozen=True)
class ServicePlan:
    """One service to be started for a job.

    Attributes:
        label: its name in messages and of its log; unlike any operator's.
        service: as declared, with the connections and variables of all operators that share it.
        operators: names of the operators that need it.
    """

    label: str
    service: Service
    program: Program
    operators: frozenset[str]


@dataclass
class Servers:
    """What a job's operators are served by.

    Attributes:
        services: what is started here.
        variables: what is known before: variables by operator.
        errors: why the job cannot run.
    """

    services: list[ServicePlan] = field(default_factory=list)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    errors: list[ClaraError] = field(default_factory=list)


def plan_servers(pipeline: Pipeline, find: Find, addresses: Mapping[str, str], triton: Triton | None) -> Servers:
    """What to start, and what the operators are told of servers that run already.

    Args:
        find: the local program of an image, tag and command; raises ImageError when there is none.
        addresses: connection name → `host:port` of a server that runs already.
        triton: a Triton server that runs already.
    """
    servers = Servers(variables={operator.name: {} for operator in pipeline.operators})
    taken = {operator.name.casefold() for operator in pipeline.operators}
    tritons: list[Triton] = []
    for service, users in _distinct(pipeline):
        known = _known(service, addresses, triton)
        for name in users:
            own = {item.name for declared in pipeline.operator(name).services for item in declared.connections}
            servers.variables[name].update({c.name: a for c, a in known.items() if c.name in own})
        if is_triton(service) and (server := server_of(known)):
            tritons.append(server)
        missing = tuple(item for item in service.connections if item not in known)
        if missing or not service.connections:
            _add_local(servers, service._replace(connections=missing), users, find, taken)
    _tell_of_triton(pipeline, servers, triton or next(iter(tritons), None))
    return servers


def _distinct(pipeline: Pipeline) -> list[tuple[Service, list[str]]]:
    """Each running service once, with what all its declarations ask for, and who needs it."""
    found: dict[tuple[str, str, tuple[str, ...]], tuple[Service, list[str]]] = {}
    for operator in pipeline.operators:
        for service in operator.services:
            key = (service.image, service.tag, service.command)
            first, users = found.get(key, (service, []))
            merged = first._replace(
                connections=tuple(dict.fromkeys((*first.connections, *service.connections))),
                variables={**service.variables, **first.variables},
            )
            found[key] = (merged, [*users, operator.name])
    return list(found.values())


def _known(service: Service, addresses: Mapping[str, str], triton: Triton | None) -> dict[Connection, str]:
    known = {item: addresses[item.name] for item in service.connections if item.name in addresses}
    if triton is not None and is_triton(service):
        rest = (item for item in service.connections if item.kind == "http" and item not in known)
        known.update({item: side_of(item, triton) for item in rest})
    return known


def _add_local(servers: Servers, service: Service, users: list[str], find: Find, taken: set[str]) -> None:
    try:
        program = find(service.image, service.tag, service.command)
        argv(program, service.command)
    except ImageError as error:
        given = "; ".join(f"{item.name}: HOST:PORT" for item in service.connections)
        instead = f"\nor name a running server in the configuration, as `services: {{{given}}}`" if given else ""
        message = f"service {service.name} of operator {', '.join(users)}: {error.message}"
        servers.errors.append(ImageError(message, hint=f"{error.hint or ''}{instead}".strip() or None))
        return
    label, count = service.name, 1
    while label.casefold() in taken:
        count += 1
        label = f"{service.name}-service" if count == 2 else f"{service.name}-service-{count - 1}"
    taken.add(label.casefold())
    servers.services.append(ServicePlan(label, service, program, frozenset(users)))


def _tell_of_triton(pipeline: Pipeline, servers: Servers, triton: Triton | None) -> None:
    """Operators that list models are told of the server that runs already, else of the one that is started."""
    starts_one = any(is_triton(item.service) for item in servers.services)
    for operator in pipeline.operators:
        if not operator.models or (triton is None and starts_one):
            continue
        if triton is not None:
            servers.variables[operator.name] = {**triton_variables(triton), **servers.variables[operator.name]}
            continue
        listed = ", ".join(operator.models)
        servers.errors.append(
            ImageError(
                f"operator {operator.name} lists models ({listed}), and no Triton server is known that holds them",
                hint="set `triton: HOST`, or `triton: {http: HOST:8000, grpc: HOST:8001}`, in the configuration",
            )
        )
