"""YAML's syntax errors in plain words."""

from __future__ import annotations

import re

import yaml

from clara_cli.pipelines.problem import Problem
from clara_cli.pipelines.source import Source

# Part of the parser's text → (what is wrong, what to do).
_WORDS = (
    (
        "mapping values are not allowed",
        'a ":" that starts no value',
        'a new key needs its own line, in the column of its neighbours; a text that holds ": " needs quotes',
    ),
    ("found unexpected ':'", 'a ":" without a blank behind it', 'write "key: value"'),
    ("could not find expected ':'", 'a key without ":"', 'write "key: value"'),
    (
        "did not find expected key",
        "the indentation does not fit",
        "keys of one mapping start in the same column",
    ),
    (
        "expected <block end>",
        "the indentation does not fit",
        "keys of one mapping, and the hyphens of one list, start in the same column",
    ),
    (
        "did not find expected '-' indicator",
        "the indentation of this list does not fit",
        'items of one list start with "- " in the same column',
    ),
    (
        "block sequence entries are not allowed",
        'a list item ("- ") cannot start here',
        "start the list on a line of its own",
    ),
    ("expected ',' or ']'", 'a list in brackets lacks "," or "]"', None),
    ("expected ',' or '}'", 'a mapping in braces lacks "," or "}"', None),
    ("expected the node content", "a value is missing here", None),
    ("did not find expected node content", "a value is missing here", None),
    ("tab character", "a tab is not allowed in the indentation", "indent with blanks"),
    ("unexpected end of stream", "the file ends inside a quoted text", "close the quotes"),
    ("unexpected document separator", "the document ends inside a quoted text", "close the quotes"),
    (
        "unknown escape character",
        'an unknown "\\" sequence in double quotes',
        'write "\\\\" for a backslash, or use single quotes',
    ),
    ("Unicode character escape", 'a "\\" sequence in double quotes names no character', None),
    (
        "undefined tag handle",
        'a word that starts with "!" is a tag, and this one is unknown',
        "quote the text if it is meant as one",
    ),
    ("comment or a line break", 'more text after "|" or ">"', "start the text on the next line"),
    ("exceeded maximum nesting depth", "the document is nested too deep", None),
    ("expected <document start>", "text behind the end of the document", None),
)
_FLAT = re.compile(r"\s(?:name|operators|container|image|input|output|orchestrator):\s")


def explain(source: Source, error: yaml.YAMLError) -> Problem:
    """The problem that a YAML error stands for."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    message, hint = _words(source, str(getattr(error, "problem", None) or error), line, column)
    start = getattr(error, "context_mark", None)
    if start and start.line + 1 < line:
        message = f"{message} (inside what starts in line {start.line + 1})"
    return source.problem(line, column, message, lost_line_breaks(source) or hint)


def lost_line_breaks(source: Source) -> str | None:
    """A hint, when several keys stand in the only line of the document."""
    lines = [line for line in source.lines if line.strip()][:2]
    if len(lines) == 1 and len(_FLAT.findall(f" {lines[0][:10_000]}")) >= 2:
        return "the document seems to have lost its line breaks; put each key on a line of its own"
    return None


def is_about_tabs(source: Source, error: yaml.YAMLError) -> bool:
    """Whether a tab stands where the parser stopped."""
    mark = getattr(error, "problem_mark", None)
    return mark is not None and _character(source, mark.line + 1, mark.column + 1) == "\t"


def _words(source: Source, problem: str, line: int, column: int) -> tuple[str, str | None]:
    character = _character(source, line, column)
    if "cannot start any token" in problem:
        if character == "\t":
            return "a tab is not allowed in the indentation", "indent with blanks"
        return f'a value cannot start with "{character}"', "quote the text"
    for part, message, hint in _WORDS:
        if part in problem:
            return message, hint
    return f"not valid YAML: {problem}", None


def _character(source: Source, line: int, column: int) -> str:
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    return text[column - 1 : column]
