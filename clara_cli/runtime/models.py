"""Folders of models by name, and how operators and services find them.

The layout is that of the original's common volume: `common/models/<name>`, one folder per model, as a Triton server
reads it. Every job gets a view of its own, made of links.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clara_cli.errors import NotFound


@dataclass(frozen=True)
class Models:
    """The models of this machine.

    Attributes:
        common: the root's folder of what all jobs share; its `models` are known by their folders' names.
        configured: further ones by name; these count first.
        registered: those of the model repository by name; these count before the common ones.
    """

    common: Path
    configured: Mapping[str, Path]
    registered: Mapping[str, Path] = field(default_factory=dict)

    def all(self) -> dict[str, Path]:
        """Every model that there is, by name."""
        kept = self.common / "models"
        found = {path.name: path for path in sorted(kept.iterdir()) if path.is_dir()} if kept.is_dir() else {}
        further = [*self.registered.items(), *self.configured.items()]
        return {**found, **{name: path for name, path in further if path.is_dir()}}

    def find(self, name: str) -> Path:
        """The folder of a model.

        Raises:
            NotFound: there is none of that name, or what is configured is no folder.
        """
        known = self.all()
        if name in known:
            return known[name]
        if name in self.configured:
            raise NotFound(f'model "{name}": {self.configured[name]} is not a folder')
        raise NotFound(
            f'no model "{name}"; known: {", ".join(known) or "none"}',
            hint=f"clara create model -p FOLDER/{name} registers it; or put its folder at "
            f"{self.common / 'models' / name}, or name it under `models` in the configuration",
        )

    def lay_out(self, target: Path) -> Path:
        """Make `target` a view of the common folder with all models in it, out of links."""
        (target / "models").mkdir(parents=True, exist_ok=True)
        for name, folder in self.all().items():
            _link(target / "models" / name, folder)
        for path in self.common.iterdir() if self.common.is_dir() else ():
            if path.name != "models":
                _link(target / path.name, path)
        return target


def _link(link: Path, folder: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(folder.absolute())
