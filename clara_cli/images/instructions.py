"""From a Dockerfile's text to its instructions, each with the line it starts on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from clara_cli.errors import ImageError

KEYWORDS = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"}
    | {"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)

_COMMENT = re.compile(r"\s*#")
_ESCAPE = re.compile(r"\s*#\s*escape\s*=\s*([\\`])\s*$", re.IGNORECASE)
_HEREDOC = re.compile(r"(?<!\S)\d*<<(-?)(['\"]?)([A-Za-z_]\w*)\2(?!\S)")


@dataclass(frozen=True)
class Instruction:
    """One instruction: upper-case keyword, the rest of its lines joined, and its first line (from 1)."""

    keyword: str
    value: str
    line: int


def malformed(path: Path, line: int, why: str) -> ImageError:
    """The error of a Dockerfile that cannot be used, in the form editors jump to."""
    return ImageError(f"{path}:{line}: {why}")


def read_instructions(path: Path) -> list[Instruction]:
    """The instructions of a Dockerfile in order, comments left out.

    Raises:
        ImageError: not readable, not UTF-8, an unknown instruction or one without a value.
    """
    from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]

    plain = _without_heredocs(path, _read(path))
    parser = DockerfileParser(fileobj=BytesIO(plain.encode()))
    found = [
        Instruction(item["instruction"], item["value"].strip(), item["startline"] + 1)
        for item in parser.structure
        if item["instruction"] != "COMMENT"
    ]
    for item in found:
        if item.keyword not in KEYWORDS:
            raise malformed(path, item.line, f"unknown instruction {item.keyword}")
        if not item.value:
            raise malformed(path, item.line, f"{item.keyword} needs a value")
    return found


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImageError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror}") from error


def _without_heredocs(path: Path, text: str) -> str:
    """The same lines without what the parser does not know: here-documents, blank lines in an instruction."""
    escape = _escape(text)
    lines: list[str] = []
    waiting: list[tuple[str, str]] = []
    logical, start = "", 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if waiting:
            dash, end = waiting[0]
            if (line.lstrip("\t") if dash else line) == end:
                del waiting[0]
            lines.append("")
        elif logical and not line.strip():
            lines.append("#")
        else:
            lines.append(line)
            if _COMMENT.match(line):
                continue
            start = start if logical else number
            logical += line
            if not line.rstrip().endswith(escape):
                waiting, logical = _heredocs(logical), ""
    if waiting:
        raise malformed(path, start, f"the here-document {waiting[0][1]} does not end")
    # One blank line more: it ends an instruction whose last line promises a continuation.
    return "\n".join([*lines, "", ""])


def _escape(text: str) -> str:
    """The continuation character: a parser directive may change it on the leading comment lines."""
    for line in text.splitlines():
        match = _ESCAPE.match(line)
        if match:
            return match[1]
        if not _COMMENT.match(line):
            break
    return "\\"


def _heredocs(logical: str) -> list[tuple[str, str]]:
    if logical.lstrip().upper().startswith(("RUN ", "COPY ", "ADD ")):
        return [(match[1], match[3]) for match in _HEREDOC.finditer(logical)]
    return []
