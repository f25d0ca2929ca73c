"""All problems of a definition as one error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clara_cli.errors import DefinitionError
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.problem import Problem

MAX_SHOWN = 50


def refused(name: str, faults: Faults, order: Mapping[str, int]) -> DefinitionError:
    """The error that shows what is wrong with the definition `name`, by file and line.

    Args:
        order: the files by the names that messages use → their position.
    """
    errors, warnings = in_order(faults.errors, order), in_order(faults.warnings, order)
    problems = in_order((*errors, *warnings), order)
    lines = [problem.render(marked=True) for problem in (*errors, *warnings)[:MAX_SHOWN]]
    if len(problems) > 1:
        counts = [_count(len(errors), "error")] + ([_count(len(warnings), "warning")] if warnings else [])
        cut = f"; the first {MAX_SHOWN} are shown" if len(problems) > MAX_SHOWN else ""
        lines.append(f"{', '.join(counts)} in {name}{cut}")
    return DefinitionError("\n".join(lines), problems)


def in_order(problems: Iterable[Problem], order: Mapping[str, int]) -> tuple[Problem, ...]:
    """Problems by file, line and column."""

    def place(problem: Problem) -> tuple[int, int, int, str]:
        return (order.get(problem.file, len(order)), problem.line, problem.column, problem.message)

    return tuple(sorted(problems, key=place))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
