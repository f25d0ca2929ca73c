"""Examples on the help pages: command → what one may type. Each is parsed by a test."""

from __future__ import annotations

EXAMPLES: dict[str, str] = {}
