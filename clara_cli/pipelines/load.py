"""A definition file → a pipeline, or every fault of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from clara_cli.errors import DefinitionError, NotFound
from clara_cli.pipelines import graph, rules, schema, unknown_keys, unsupported
from clara_cli.pipelines.build import build
from clara_cli.pipelines.document import read_document
from clara_cli.pipelines.draft import Draft, read_draft
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.links import Link, Links
from clara_cli.pipelines.model import Pipeline
from clara_cli.pipelines.nearest import Nearest
from clara_cli.pipelines.problem import Problem
from clara_cli.pipelines.source import MAX_BYTES

MAX_SHOWN = 50


@dataclass(frozen=True)
class Loaded:
    """What a definition says.

    Attributes:
        files: name and content of each file it consists of.
        warnings: what was ignored, or should be written otherwise.
    """

    pipeline: Pipeline
    files: tuple[tuple[str, bytes], ...]
    warnings: tuple[Problem, ...]


def load_pipeline(path: Path) -> Loaded:
    """Read and check a definition file.

    Raises:
        NotFound: there is no such file.
        DefinitionError: it cannot be read, or is wrong; `problems` says where and how.
    """
    try:
        with path.open("rb") as file:
            # One more than allowed is enough to tell that it is too large.
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except IsADirectoryError:
        raise DefinitionError(f"{path} is a folder", hint="name the definition file in it") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DefinitionError(f"{path} cannot be read: {reason}") from None
    return replace(check(str(path), content), files=((path.name, content),))


def check(name: str, content: bytes) -> Loaded:
    """Check the content of a definition; `name` is what messages call the file.

    Raises:
        DefinitionError: as `load_pipeline`.
    """
    document = read_document(name, content)
    faults, nearest = Faults(), Nearest()
    for problem in document.problems:
        faults.add((), problem)
    unsupported.check(document, faults)
    schema.check(document, faults, nearest)
    unknown_keys.check(document, faults, nearest)
    draft = read_draft(document, faults)
    rules.check(draft, faults)
    links = Links(draft, faults, nearest).resolve()
    _cycles(draft, links, faults)
    warnings = _sorted(faults.warnings)
    if faults.errors:
        raise _refusal(name, faults.errors, warnings)
    return Loaded(build(draft, links), ((name, content),), warnings)


def _cycles(draft: Draft, links: list[Link], faults: Faults) -> None:
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


def _refusal(name: str, errors: list[Problem], warnings: tuple[Problem, ...]) -> DefinitionError:
    problems = _sorted([*errors, *warnings])
    lines = [problem.render(marked=True) for problem in (*_sorted(errors), *warnings)[:MAX_SHOWN]]
    if len(problems) > 1:
        counts = [_count(len(errors), "error")] + ([_count(len(warnings), "warning")] if warnings else [])
        shown = f"; the first {MAX_SHOWN} are shown" if len(problems) > MAX_SHOWN else ""
        lines.append(f"{', '.join(counts)} in {name}{shown}")
    return DefinitionError("\n".join(lines), problems)


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column, problem.message)))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
