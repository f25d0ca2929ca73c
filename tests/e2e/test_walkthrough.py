"""The documented session, to the letter, in a real bash and in-process."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import EXAMPLE, Clara, nibabel_volumes, on_terminal

Shell = Callable[..., subprocess.CompletedProcess[str]]
DEFINITION = EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml"
VOLUME = nibabel_volumes() / "anatomical.nii"
SESSION = """
set -e
clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml
PIPELINE_ID=$(clara list pipelines | grep fastio-passthrough-dynamic-pipeline | awk '{print $2}')
clara create jobs -n fastio-variable-test -p $PIPELINE_ID -f $VOLUME | tee $OUT/created
JOB_ID=$(sed -n 's/^JOB_ID: //p' $OUT/created)
PAYLOAD_ID=$(sed -n 's/^PAYLOAD_ID: //p' $OUT/created)
clara start job -j $JOB_ID
clara download $JOB_ID:/operators/compare-input-to-npz/* $OUT/result
cat $OUT/result/truth-val/comparison.txt && echo ""
ls $CLARA_ROOT/payloads/$PAYLOAD_ID/
"""
EXPECTED = r"""PIPELINE_ID: [0-9a-f]{32}
JOB_ID: [0-9a-f]{32}
PAYLOAD_ID: [0-9a-f]{32}
Payload uploaded successfully\.
Job Start request submitted successfully with JOB_STATUS_HEALTHY
Downloading\.\.\.
Downloaded 1 files\.
true
input
operators
"""


def test_the_session_in_bash_twice(shell: Shell, tmp_path: Path) -> None:
    for number in ("1", "2"):
        out = tmp_path / number
        out.mkdir()
        done = shell(SESSION, cwd=EXAMPLE, VOLUME=str(VOLUME), OUT=str(out))
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(EXPECTED, done.stdout), done.stdout
        assert (out / "result" / "truth-val" / "comparison.txt").read_bytes() == b"true"
        assert "whose files are taken" in done.stderr
        assert "Payload folder: " in done.stderr
        assert ("is used; ignored" in done.stderr) == (number == "2")
        assert "\x1b" not in done.stdout + done.stderr


def test_two_ids_as_stray_words_and_as_one_quoted_argument(shell: Shell) -> None:
    script = """
    clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml >/dev/null
    clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml
    IDS=$(clara list pipelines | grep fastio | awk '{print $2}')
    clara create jobs -n a -p $IDS > one && clara create jobs -n b -p "$IDS" > two
    clara list jobs
    """
    done = shell(script, cwd=EXAMPLE.parent / EXAMPLE.name)
    (EXAMPLE / "one").unlink()
    (EXAMPLE / "two").unlink()
    assert done.returncode == 0, done.stderr
    newest = done.stdout.splitlines()[0].removeprefix("PIPELINE_ID: ")
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [(row[0], row[2]) for row in rows] == [("b", newest), ("a", newest)]
    assert done.stderr.count(f"Notice: pipeline {newest} is used; ignored: ") == 2


@pytest.mark.usefixtures("way")
def test_the_session_in_process_and_off_the_main_thread(clara: Clara, tmp_path: Path) -> None:
    import threading

    answers: list[str] = []

    def session() -> None:
        job, started = clara.run(DEFINITION, VOLUME)
        assert started.out == "Job Start request submitted successfully with JOB_STATUS_HEALTHY\n"
        assert started.err == ""
        clara("download", f"{job}:/operators/compare-original-to-output/*", tmp_path / "result")
        answers.append((tmp_path / "result" / "truth-val" / "comparison.txt").read_text())

    session()
    thread = threading.Thread(target=session)
    # Another thread exists while the session looks at this process, so the fixture compares like with like.
    thread.start()
    thread.join()
    assert answers == ["true", "true"]


def test_describe_keeps_the_lines_that_scripts_read(clara: Clara) -> None:
    pipeline = clara.pipeline(DEFINITION)
    job = clara.job(pipeline, VOLUME)
    before = clara("describe", "job", "-j", job).lines
    assert before[5] == "STATUS: JOB_STATUS_HEALTHY"
    assert before[6] == "STATE: JOB_STATE_PENDING"
    assert "1" not in before[9].split(":")[1]
    clara("start", "job", "-j", job)
    after = clara("describe", "job", "-j", job).lines
    assert after[0] == f"JOB_ID: {job}"
    assert after[2] == f"PIPELINE_ID: {pipeline}"
    assert after[5].split(":")[1].strip().endswith("_HEALTHY")
    assert "STOPPED" in after[6].split(":")[1]
    assert "1" in after[9].split(":")[1]
    assert all(":" in line for line in after[:10])
    statuses = [line.split()[:2] for line in after[14:17]]
    assert statuses == [
        [name, "JOB_OPERATOR_STATUS_COMPLETED"]
        for name in ("nifti-to-fastio", "fastio-to-npz", "compare-original-to-output")
    ]


@pytest.mark.usefixtures("way")
def test_the_example_is_left_as_it_was(clara: Clara) -> None:
    def state() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in EXAMPLE.rglob("*"))

    before = state()
    clara.run(DEFINITION, VOLUME)
    assert state() == before


@pytest.mark.parametrize("words", [("--start",), ("-s",)])
def test_create_with_start_stays_until_the_end(clara: Clara, words: tuple[str, ...]) -> None:
    pipeline = clara.pipeline(DEFINITION)
    created = clara("create", "job", "-n", "x", "-p", pipeline[:8], "-f", VOLUME, *words)
    assert [line.split(":")[0] for line in created.lines] == [
        "JOB_ID",
        "PAYLOAD_ID",
        "Payload uploaded successfully.",
        "Job Start request submitted successfully with JOB_STATUS_HEALTHY",
    ]
    assert "JOB_STATE_STOPPED" in clara("list", "jobs").out


def test_the_terminal_shows_a_line_per_operator(clara: Clara) -> None:
    job = clara.job(clara.pipeline(DEFINITION), VOLUME)
    code, shown = on_terminal("start", "job", "-j", job)
    assert code == 0
    for name in ("nifti-to-fastio", "fastio-to-npz", "compare-original-to-output"):
        assert re.search(rf"✔.*{name}.*completed", shown), shown
