"""`~` in paths that a user wrote, where no shell replaced it."""

from __future__ import annotations

import os
from pathlib import Path


def from_home(text: str | Path) -> Path:
    """The path with `~` and `~user` replaced; a user who is not known stays as written, as in a shell."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises for such a user
