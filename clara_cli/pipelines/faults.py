"""The problems of one definition as they are found, and which parts of it they touch.

A part that is already known to be wrong is not judged again, so that one fault gives one message.
"""

from __future__ import annotations

from clara_cli.pipelines.nodes import Path
from clara_cli.pipelines.problem import Problem


class Faults:
    def __init__(self) -> None:
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self._seen: set[tuple[str, int, int, str]] = set()
        self._touched: set[Path] = set()
        self._exact: set[Path] = set()
        self._open: set[Path] = set()

    def add(self, path: Path, problem: Problem) -> None:
        """Record a problem at a path; the same words at the same place (through an alias) count once."""
        if problem.severity == "error":
            self._mark(path)
        mark = (problem.file, problem.line, problem.column, problem.message)
        if mark not in self._seen:
            self._seen.add(mark)
            (self.errors if problem.severity == "error" else self.warnings).append(problem)

    def leave_open(self, path: Path) -> None:
        """Judge nothing at a path whose value is not known before a job starts."""
        self._open.add(path)
        self._mark(path)

    def is_open(self, path: Path) -> bool:
        """Whether the value at exactly this path is not known yet."""
        return path in self._open

    def _mark(self, path: Path) -> None:
        self._exact.add(path)
        self._touched.update(path[:length] for length in range(len(path) + 1))

    def touches(self, path: Path) -> bool:
        """Whether there is an error, or something unknown, at this path or below it."""
        return path in self._touched

    def covers(self, path: Path) -> bool:
        """Whether there is an error, or something unknown, at this path or above it."""
        return any(path[:length] in self._exact for length in range(1, len(path) + 1))
