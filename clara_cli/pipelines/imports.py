"""Imports: which document an `import` names, and the arguments it passes."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from clara_cli.errors import ClaraError, DefinitionError, NotFound
from clara_cli.pipelines.compose import MAX_NODES
from clara_cli.pipelines.document import Document, problem_at
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.library import Library
from clara_cli.pipelines.nearest import Nearest
from clara_cli.pipelines.nodes import Mapping, Node, Path, Scalar
from clara_cli.pipelines.problem import Problem
from clara_cli.pipelines.source import refusal

MAX_CHAIN = 20
_KEYS = ("path", "args")
_ROOTED = re.compile(r"[/\\~]|[A-Za-z]:")


@dataclass
class Imports:
    """Finds imported documents, recording what is wrong with an import."""

    library: Library
    faults: Faults
    nearest: Nearest
    _size: int = field(default=0)

    def document(self, node: Mapping, path: Path, chain: tuple[str, ...]) -> Document | None:
        """The document an import names; None when it cannot be had.

        Args:
            node: the value of `import`, whose path is at `path`.
            chain: the files that are being imported, from the pipeline on.
        """
        for key, (at, _) in node.entries.items():
            if key not in _KEYS:
                hint = self.nearest.hint(key, _KEYS)
                self.faults.add((*path, key), problem_at(at, f'unknown key "{key[:60]}" is ignored', hint, "warning"))
        value = node.entries.get("path", (None, None))[1]
        if not isinstance(value, Scalar) or not value.text:
            return None  # the schema says so
        place = (*path, "path")
        try:
            target = self._target(value, chain)
            found = self.library.document(target)
        except DefinitionError as error:
            self._pass_on(error, place, value)
            return None
        except NotFound as error:
            self.faults.add(place, problem_at(value, f"import: {error.message}", self._near(value)))
            return None
        return self._judged(found, value, place)

    def _target(self, value: Scalar, chain: tuple[str, ...]) -> str:
        """The path of the imported file among those of the definition."""
        if value.templated:
            message = "import: the path of a file is fixed, and holds no placeholder"
            raise refusal(problem_at(value, message, "pass what varies as an argument"))
        if _ROOTED.match(value.text):
            message = f'import: "{value.text}" is not relative to {value.source.name}'
            raise refusal(problem_at(value, message, "write a path such as operators/reader.yaml"))
        target = posixpath.normpath(posixpath.join(posixpath.dirname(value.source.path), value.text))
        if target.startswith("../") or target in ("..", "."):
            message = f'import: "{value.text}" leads out of the folder of the definition'
            raise refusal(problem_at(value, message, "give clara the folder that holds all its files"))
        if target in chain:
            circle = " → ".join((*chain[chain.index(target) :], target))
            raise refusal(problem_at(value, f"imports run in a circle: {circle}"))
        if len(chain) > MAX_CHAIN:
            raise refusal(problem_at(value, f"imports follow each other more than {MAX_CHAIN} times"))
        return target

    def _judged(self, found: Document, value: Scalar, place: Path) -> Document | None:
        for problem in found.problems:
            self.faults.add((), problem)
        if "operators" in found.root.entries:
            message = f"import: {found.source.name} is a pipeline, expected one operator or service"
            self.faults.add(place, problem_at(value, message))
            return None
        self._size += found.root.size
        if self._size > MAX_NODES:
            message = f"import: the definition has more than {MAX_NODES} values, counting what is imported"
            raise refusal(*self.faults.errors, problem_at(value, message))
        return found

    def _near(self, value: Scalar) -> str | None:
        folder = posixpath.dirname(value.source.path)
        names = [posixpath.relpath(name, folder or ".") for name in self._names() if name != value.source.path]
        return self.nearest.hint(value.text, names) or "the path is relative to the file that imports"

    def _names(self) -> list[str]:
        try:
            return self.library.files.names()
        except ClaraError:
            return []

    def _pass_on(self, error: DefinitionError, place: Path, value: Node) -> None:
        """Record why a file cannot be imported: at the places in that file, or else at the import."""
        problems = [problem for problem in error.problems if isinstance(problem, Problem) and problem.line]
        for problem in problems or [problem_at(value, f"import: {error.message}", error.hint)]:
            self.faults.add(place, problem)
