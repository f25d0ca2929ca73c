"""The files of one definition as they are read: each once, within a bound, and remembered for storing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from clara_cli.errors import DefinitionError
from clara_cli.pipelines import source
from clara_cli.pipelines.document import Document, read_document
from clara_cli.pipelines.files import Files

_OPERATORS = re.compile(rb"^[\"']?operators[\"']?\s*:", re.MULTILINE)


class Library:
    """Documents by path.

    Args:
        files: where they are read from.
        read: files that were read before: path → (what messages call it, content).

    Attributes:
        used: path and content of each file the definition consists of, in the order of reading.
    """

    def __init__(self, files: Files, read: Mapping[str, tuple[str, bytes]] | None = None) -> None:
        self.files = files
        self.used: dict[str, bytes] = {}
        self._given = dict(read or {})
        self._read: dict[str, bytes] = {}
        self._parsed: dict[str, Document | DefinitionError] = {}
        self._left = source.MAX_BYTES

    def document(self, path: str) -> Document:
        """A file of the definition.

        Raises:
            NotFound: there is no such file.
            DefinitionError: it cannot be read.
        """
        parsed = self._parse(path)
        self.used.setdefault(path, self._read[path])
        if isinstance(parsed, DefinitionError):
            raise parsed
        return parsed

    def main(self) -> str:
        """The path of the pipeline among the files.

        Raises:
            DefinitionError: none, or several of the same rank.
        """
        names = self.files.names()
        if self.files.ordered:
            first = next(filter(self._is_pipeline, names), None)
            if first is not None:
                return first
        # Of a folder and what is below it, the uppermost pipelines.
        for depth in sorted({name.count("/") for name in names}):
            found = [name for name in names if name.count("/") == depth and self._is_pipeline(name)]
            if found:
                return self._only(found)
        where = self.files.where or "the definition"
        raise DefinitionError(f'no pipeline in {where}: none of its {len(names)} YAML files has "operators"')

    def _only(self, found: list[str]) -> str:
        # Sets of pipelines name the usual one "…-pipeline", and variants otherwise.
        usual = [name for name in found if name.rpartition(".")[0].casefold().endswith("pipeline")]
        for names in (found, usual):
            if len(names) == 1:
                return names[0]
        message = f"{self.files.where} holds several pipelines, and does not say which is meant: {', '.join(found)}"
        raise DefinitionError(message, hint="name the file itself")

    def label(self, path: str) -> str:
        """What messages call a file."""
        return self._given[path][0] if path in self._given else self.files.label(path)

    def _is_pipeline(self, path: str) -> bool:
        parsed = self._parse(path)
        if isinstance(parsed, Document):
            return "operators" in parsed.root.entries
        return _OPERATORS.search(self._read[path]) is not None

    def _parse(self, path: str) -> Document | DefinitionError:
        if path not in self._parsed:
            content = self._given[path][1] if path in self._given else self.files.read(path)
            self._read[path] = content
            # One file that is too large gets a message of its own.
            if len(self._read) > 1 and len(content) > self._left:
                raise DefinitionError(f"the files of the definition have more than {source.MAX_BYTES} bytes together")
            self._left -= len(content)
            try:
                self._parsed[path] = read_document(self.label(path), content, path)
            except DefinitionError as error:
                self._parsed[path] = error
        return self._parsed[path]
