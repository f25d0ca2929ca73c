"""A job keeps what it was made of, in databases of both versions."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from clara_cli.config import Config
from clara_cli.database import MIGRATIONS, Database
from clara_cli.errors import DefinitionError, StateConflict
from clara_cli.jobs import store
from clara_cli.jobs.actions import create_job, find_job
from clara_cli.jobs.definition import filled, stored
from clara_cli.jobs.start import resume_submitted, submit_job
from clara_cli.pipelines.load import load_files
from clara_cli.pipelines.model import to_json
from clara_cli.pipelines.store import find_pipeline, insert_pipeline, list_pipelines, pipeline_files
from clara_cli.root import Root, choose_root

TEXT = b"""\
api-version: 0.4.0
name: p
parameters: {IMAGE: , WORD: hello}
operators:
- name: op-${{WORD}}
  container: {image: "${{IMAGE}}", command: ["${{JOB_NAME}}", "${{JOB_ID}}"]}
"""
PLAIN = b"name: p\noperators:\n- {name: a, container: {image: program}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return choose_root(Config(root=tmp_path / "root"))


def add(database: Database, content: bytes) -> str:
    with database.write() as connection:
        return insert_pipeline(connection, load_files([("p.yaml", content)]))


def program(tmp_path: Path) -> Config:
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "main.py").write_text("")
    return Config(operator_path=(tmp_path,))


def test_a_job_is_filled_from_its_own_copy(root: Root, tmp_path: Path) -> None:
    config = program(tmp_path)
    with Database(root) as database:
        pipeline = add(database, TEXT)
        job = create_job(database, "name", pipeline, None).job
        with database.write() as connection:
            assert find_pipeline(connection, pipeline).parameters == {"IMAGE": None, "WORD": "hello"}
            connection.execute("DELETE FROM pipelines")
        assert [operator.name for operator in find_job(database, job.id).operators] == ["op-hello"]
        with pytest.raises(DefinitionError, match="nothing fills"):
            submit_job(database, config, job.id)
        assert find_job(database, job.id).job.submitted is None
        submitted = submit_job(database, config, job.id, {"image": "program", "word": "you"})
        (operator,) = submitted.plan.pipeline.operators
        assert (operator.name, operator.command) == ("op-you", ("name", job.id))
        view = find_job(database, job.id)
        assert [(o.name, o.image) for o in view.operators] == [("op-you", "program:latest")]
        assert view.job.variables == {"image": "program", "word": "you"}
        # The runner of a detached job finds everything filled.
        assert resume_submitted(database, config, job.id, submitted.lock).plan.pipeline == submitted.plan.pipeline
        with pytest.raises(StateConflict):
            submit_job(database, config, job.id)


def test_a_definition_without_placeholders_is_not_read_again(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(root) as database:
        job = create_job(database, "name", add(database, PLAIN), None).job
        monkeypatch.setattr("clara_cli.pipelines.load.load_files", None)
        assert filled(database, job, {}) == stored(job)
        assert stored(job).operators[0].image == "program"


def test_a_database_of_version_1_is_upgraded_with_its_rows(root: Root) -> None:
    definition = json.dumps(to_json(load_files([("p.yaml", PLAIN)]).pipeline))
    connection = sqlite3.connect(root.database)
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("INSERT INTO pipelines VALUES ('aa', 'p', 1, '/folder', ?)", (definition,))
    connection.execute("INSERT INTO pipeline_files VALUES ('aa', 0, 'p.yaml', ?)", (PLAIN,))
    connection.execute(
        "INSERT INTO jobs VALUES ('bb', 'cc', 'aa', 'old', 'PENDING', 'HEALTHY', 'NORMAL', 1, NULL, NULL, NULL, '', ?)",
        (definition,),
    )
    connection.execute("INSERT INTO operators VALUES ('bb', 0, 'a', 'program:latest', 'PENDING', NULL, NULL, NULL)")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    with Database(root) as database:
        with database.read() as opened:
            assert [record.name for record in list_pipelines(opened)] == ["p"]
            record = find_pipeline(opened, "aa")
            assert (record.parameters, record.templated) == ({}, False)
            assert pipeline_files(opened, "aa") == store.job_files(opened, "bb") == [("p.yaml", PLAIN)]
        view = find_job(database, "bb")
        assert (view.job.templated, view.job.variables, view.operators[0].name) == (False, {}, "a")
        assert create_job(database, "new", "aa", None).job.definition == definition
