"""One fault or warning in a definition, with its place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, order=True)
class Problem:
    """A fault or a warning, at a place.

    Attributes:
        file: the file as the user named it.
        line: 1-based; 0 when the problem has no place (an unreadable file).
        column: 1-based, counted in characters.
        message: what was found and what was expected.
        hint: the nearest existing name, or what to do.
        excerpt: the source line, without its line end.
        severity: `error` refuses the definition, `warning` does not.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str | None = None
    excerpt: str | None = None
    severity: Literal["error", "warning"] = "error"

    @property
    def place(self) -> str:
        """`file:line:column`, or the file alone."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def render(self, marked: bool = False) -> str:
        """The problem as lines of text: place and message, the source line with a caret, the hint.

        Args:
            marked: say of a warning that it is one, for texts in which it stands among errors.
        """
        mark = "warning: " if marked and self.severity == "warning" else ""
        lines = [f"{self.place}: {mark}{self.message}"]
        if self.excerpt is not None and self.line:
            number = f"{self.line:>5}"
            # A tab keeps its width, so that the caret stands under the right character.
            blank = "".join("\t" if c == "\t" else " " for c in self.excerpt[: self.column - 1])
            lines += [f"{number} | {self.excerpt}", f"{' ' * len(number)} | {blank}^"]
        if self.hint:
            lines.append(f"        {self.hint}")
        return "\n".join(lines)
