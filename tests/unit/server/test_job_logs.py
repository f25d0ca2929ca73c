"""Logs for the wire: whole lines in parts that a client can receive."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import pipeline_of, stored_job

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.pipelines.model import Operator
from clara_cli.root import choose_root
from clara_cli.runtime.plan import operator_log
from clara_cli.server import codes, job_logs


def parts(log: bytes | None, folder: Path, name: str = "echo") -> list[list[str]]:
    job = stored_job(pipeline_of(Operator("echo", "echo")), folder)
    with Database(choose_root(load_config())) as database:
        if log is not None:
            path = operator_log(database.root.jobs / job, "echo")
            path.parent.mkdir(parents=True)
            path.write_bytes(log)
        opened = job_logs.open_log(database, job, name)
        return list(iter(opened.next_part, None))


@pytest.mark.parametrize(
    ("log", "lines"),
    [
        (None, []),
        (b"", []),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\n\n two", ["one", "", " two"]),
        (b"caf\xe9 caf\xc3\xa9\r\n", ["caf\ufffd caf\u00e9\r"]),
    ],
)
def test_one_text_a_line(tmp_path: Path, log: bytes | None, lines: list[str]) -> None:
    found = parts(log, tmp_path)
    assert found and [line for part in found for line in part] == lines


@pytest.mark.parametrize("log", [b"\xff" * 3_000_000, b"line\n" * 600_000, (b"x" * 999_999 + b"\n") * 3])
def test_no_part_is_more_than_a_client_receives(tmp_path: Path, log: bytes) -> None:
    found = parts(log, tmp_path)
    assert max(sum(len(line.encode()) + 10 for line in part) for part in found) < 3 << 20
    assert "".join(line for part in found for line in part) == log.replace(b"\n", b"").decode("utf-8", "replace")


def test_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(codes.Refusal, match="it has echo") as refused:
        parts(None, tmp_path, "nobody")
    assert refused.value.code == codes.NO_OPERATOR
