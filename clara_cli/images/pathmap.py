"""Container paths in arguments and variables, replaced by the real folders that stand for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike, fspath

# Right before or after a path, these make it a part of another one: `$HOME/app`, `${X}/app`, `/app2`.
_BEFORE = r"(?<![\w./~*?)}\]+@%-])"
_AFTER = r"(?![\w.~+@%-])"


class PathMap:
    """Replaces container paths in text, longest first, in one pass: what it puts in stays as it is."""

    def __init__(self, pairs: Mapping[str, str | PathLike[str]]) -> None:
        """Take pairs of absolute container path and real path; `/` is left out: it begins every path."""
        self._real = {_plain(name): fspath(path).rstrip("/") or "/" for name, path in pairs.items() if _plain(name)}
        names = sorted(self._real, key=len, reverse=True)
        self._pattern = re.compile(_BEFORE + "(?:" + "|".join(map(re.escape, names)) + ")" + _AFTER) if names else None

    @property
    def pairs(self) -> dict[str, str]:
        """Container path → real path, without trailing slashes."""
        return dict(self._real)

    def apply(self, text: str) -> str:
        """The text with every container path replaced."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._real[match[0]], text)

    def joined(self, pairs: Mapping[str, str | PathLike[str]]) -> PathMap:
        """A map of both; where a container path is in both, the given one counts."""
        return PathMap({**self._real, **{_plain(name): path for name, path in pairs.items()}})


def _plain(name: str) -> str:
    return "/" + name.strip("/") if name.strip("/") else ""
