"""Models by name, and the view of them that services get."""

from __future__ import annotations

from pathlib import Path

import pytest

from clara_cli.errors import NotFound
from clara_cli.runtime.models import Models


def test_models_of_the_root_and_of_the_configuration(tmp_path: Path) -> None:
    common = tmp_path / "common"
    for name in ("spleen", "liver"):
        (common / "models" / name).mkdir(parents=True)
    (common / "models" / "note.txt").touch()
    (common / "tables").mkdir()
    own = tmp_path / "own"
    (own / "1").mkdir(parents=True)
    models = Models(common, {"liver": own, "gone": tmp_path / "gone"})
    assert models.all() == {"spleen": common / "models" / "spleen", "liver": own}
    assert models.find("liver") == own
    with pytest.raises(NotFound, match="gone is not a folder"):
        models.find("gone")
    with pytest.raises(NotFound, match=r'no model "lung"; known: (spleen, liver|liver, spleen)'):
        models.find("lung")
    for _ in range(2):
        view = models.lay_out(tmp_path / "view")
    assert sorted(path.name for path in view.iterdir()) == ["models", "tables"]
    assert (view / "models" / "liver" / "1").is_dir() and (view / "models" / "spleen").is_dir()


def test_a_root_without_models(tmp_path: Path) -> None:
    models = Models(tmp_path / "common", {})
    assert models.all() == {}
    assert list((models.lay_out(tmp_path / "view") / "models").iterdir()) == []
