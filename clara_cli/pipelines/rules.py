"""Rules about one operator, and about the pipeline as such, that a schema cannot say."""

from __future__ import annotations

from clara_cli.pipelines import graph, versions
from clara_cli.pipelines.document import Document
from clara_cli.pipelines.draft import Draft, OperatorDraft, Port
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.links import Link
from clara_cli.pipelines.model import Input, Output
from clara_cli.pipelines.nodes import Path
from clara_cli.pipelines.words import operator_words


def check(draft: Draft, faults: Faults) -> None:
    """Record what breaks a rule."""
    _orchestrator(draft, faults)
    _operator_names(draft, faults)
    for operator in draft.operators:
        _versions(draft, operator, faults)
        _output_names(draft.document, operator, faults)
        _paths(draft.document, operator, faults)


def _orchestrator(draft: Draft, faults: Faults) -> None:
    if draft.typed and draft.orchestrator == "Argo":
        line, _ = draft.document.place(("api-version",))
        version = draft.document.value["api-version"]
        message = f"Argo runs pipelines without types only, and api-version {version} (line {line}) has types"
        path: Path = ("orchestrator",)
        faults.add(path, draft.document.problem(path, message, "write Clara, or leave the key out"))


def check_cycles(draft: Draft, links: list[Link], faults: Faults) -> None:
    """Record where operators wait for each other."""
    following: list[set[int]] = [set() for _ in draft.operators]
    paths: dict[tuple[int, int], Link] = {}
    for link in links:
        following[link.upstream].add(link.reader)
        paths.setdefault((link.upstream, link.reader), link)
    for cycle in graph.cycles(following):
        # At the `from` by which the first operator of the cycle waits for the last.
        path = (*paths[cycle[-1], cycle[0]].path, "from")
        names = [draft.operators[position].name or "" for position in cycle]
        message = f"operators wait for each other: {graph.spell(names)}"
        faults.add(path, draft.document.problem(path, message))


def _versions(draft: Draft, operator: OperatorDraft, faults: Faults) -> None:
    """Warn where a part was written for another version than the pipeline's, which is the one that holds."""
    services = operator.values.get("services")
    parts: list[tuple[Path, object]] = [(operator.path, operator.values)]
    if isinstance(services, list):
        parts += [((*operator.path, "services", number), part) for number, part in enumerate(services)]
    for path, values in parts:
        version = values.get("api-version") if isinstance(values, dict) else None
        place = (*path, "api-version")
        if not isinstance(version, str) or draft.version is None or faults.covers(place):
            continue
        if versions.parse(version) != draft.version:
            pipeline = draft.document.value.get("api-version", versions.DEFAULT)
            message = f"api-version {version} is not used: the pipeline is of {pipeline}"
            faults.add(place, draft.document.problem(place, message, severity="warning"))


def _operator_names(draft: Draft, faults: Faults) -> None:
    first: dict[str, OperatorDraft] = {}
    for operator in draft.operators:
        if operator.name is None:
            continue
        other = first.setdefault(operator.name.casefold(), operator)
        if other is not operator:
            path = (*operator.path, "name")
            first_line = draft.document.line((*other.path, "name"), path)
            message = f'a second operator "{operator.name}"; the first stands in {first_line}'
            hint = None if other.name == operator.name else "upper and lower case count as the same"
            faults.add(path, draft.document.problem(path, message, hint))


def _output_names(document: Document, operator: OperatorDraft, faults: Faults) -> None:
    first: dict[str, Port[Output]] = {}
    who = operator_words(document.value, operator.path)
    for port in operator.outputs:
        path = (*port.path, "name")
        if faults.covers(path):
            continue
        name = port.item.name
        if not name:
            if len(operator.outputs) > 1:
                message = f"{who} has {len(operator.outputs)} outputs, and this one has no name"
                faults.add(path, document.problem(port.path, message, "several outputs need names"))
            continue
        other = first.setdefault(name.casefold(), port)
        if other is not port:
            first_line = document.line((*other.path, "name"), path)
            message = f'a second output "{name}" of {who}; the first stands in {first_line}'
            faults.add(path, document.problem(path, message))


def _paths(document: Document, operator: OperatorDraft, faults: Faults) -> None:
    first: dict[str, Path] = {}
    ports: tuple[Port[Input] | Port[Output], ...] = (*operator.inputs, *operator.outputs)
    for port in ports:
        path = (*port.path, "path")
        place = port.item.path
        if place is None or faults.covers(path):
            continue
        if place == "/" or ".." in place.split("/"):
            message = f'path: "{place}" is not a folder of its own'
            hint = "expected an absolute path such as /input, without .."
            faults.add(path, document.problem(path, message, hint))
        elif place in first:
            first_line = document.line(first[place], path)
            who = operator_words(document.value, operator.path)
            message = f'path: "{place}" stands twice in {who}, first in {first_line}'
            faults.add(path, document.problem(path, message, "each input and output needs a folder of its own"))
        else:
            first[place] = path
