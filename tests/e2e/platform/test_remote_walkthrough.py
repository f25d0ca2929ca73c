"""The documented session on a platform on another machine, from a client that knows its address only."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from platform_support import Server, server_in
from support import EXAMPLE, installed_command, nibabel_volumes, ordinary_user

VOLUME = nibabel_volumes() / "anatomical.nii"
SESSION = """
set -e
clara create pipelines -p $EXAMPLE/fastio-passthrough-dynamic-pipeline.yaml
PIPELINE_ID=$(clara list pipelines | grep fastio-passthrough-dynamic-pipeline | awk '{print $2}')
clara create jobs -n fastio-variable-test -p $PIPELINE_ID -f $VOLUME | tee created
JOB_ID=$(sed -n 's/^JOB_ID: //p' created)
clara start job -j $JOB_ID
clara download $JOB_ID:/operators/compare-input-to-npz/* result
cat result/truth-val/comparison.txt && echo ""
clara list jobs -q | grep -c $JOB_ID
"""
EXPECTED = r"""PIPELINE_ID: [0-9a-f]{32}
JOB_ID: [0-9a-f]{32}
PAYLOAD_ID: [0-9a-f]{32}
Payload uploaded successfully\.
Job Start request submitted successfully with JOB_STATUS_HEALTHY
Downloading\.\.\.
Downloaded 1 files\.
true
1
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose machine has the operators of the example."""
    with server_in(tmp_path_factory.mktemp("walkthrough") / "server") as server:
        for name in ("nifti-to-fastio", "fastio-to-npz", "compare-input-to-npz"):
            server.clara("create", "image", "-n", name, "-p", EXAMPLE / name)
        yield server


@pytest.mark.parametrize("by", ["file", "variable"])
def test_the_session_from_another_folder(platform: Server, tmp_path: Path, by: str) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    (home / ".clara").mkdir(parents=True)
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLARA_")}
    if by == "file":
        (home / ".clara" / "config.yaml").write_text(f"host: 127.0.0.1\nport: {platform.port}\n")
    else:
        environment["CLARA_HOST"] = platform.address
    done = subprocess.run(
        ["bash", "-c", SESSION],
        cwd=work,
        env={
            **environment,
            "HOME": str(home),
            "PATH": f"{Path(installed_command()).parent}:{os.environ['PATH']}",
            "EXAMPLE": str(EXAMPLE),
            "VOLUME": str(VOLUME),
        },
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=ordinary_user,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(EXPECTED, done.stdout), done.stdout
    assert (work / "result" / "truth-val" / "comparison.txt").read_bytes() == b"true"
    assert sorted(path.name for path in home.rglob("*")) in (
        ["config.yaml", ".clara"],
        [".clara", "config.yaml"],
        [".clara"],
    )
    assert {path.name for path in work.iterdir()} == {"created", "result"}
