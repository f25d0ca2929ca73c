"""Registered models and the jobs that use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.errors import StateConflict
from clara_cli.models.layout import check_model
from clara_cli.models.store import create_model, delete_models, list_models, registered_folders
from clara_cli.root import choose_root


def test_a_model_in_use_is_neither_deleted_nor_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "liver"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.plan").touch()
    checked = check_model(folder, None)
    with Database(choose_root(load_config())) as database:
        model, before = create_model(database, checked)
        assert before is None
        definition = json.dumps({"operators": [{"models": ["liver"]}]})
        with database.write() as connection:
            connection.execute(
                "INSERT INTO jobs (id, payload_id, pipeline_id, name, state, status, priority, created, submitted, "
                "folder, definition) VALUES ('aa', 'bb', 'cc', 'n', 'PENDING', 'HEALTHY', 'NORMAL', 1.0, 1.0, '', ?)",
                (definition,),
            )
            connection.execute("UPDATE jobs SET state = 'RUNNING'")
        with pytest.raises(StateConflict, match="model liver is used by job aa, which is running"):
            delete_models(database, [model.id])
        with pytest.raises(StateConflict):
            create_model(database, checked)
        with database.write() as connection:
            assert [found.id for found in list_models(connection)] == [model.id]
            (path,) = registered_folders(database.root, connection).values()
            assert (path / "1" / "model.plan").is_file()
            connection.execute("UPDATE jobs SET state = 'STOPPED', status = 'CANCELED'")
        second, before = create_model(database, checked)
        assert before == model
        assert [path.name for path in database.root.repository.iterdir()] == [second.id]
