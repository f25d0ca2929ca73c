"""A Node program with gRPC's own library for it: several files in one stream, enums as words."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from platform_support import Server
from support import REPOSITORY

DEFINITION = """\
api-version: 0.4.0
orchestrator: Clara
name: count-pipeline
operators:
- name: count
  container: {image: count}
  input: [{path: /input}]
  output: [{path: /output}]
"""


def test_three_files_in_one_stream(server: Server, node_client: Path) -> None:
    server.program("count", "print('counted')\n")
    definition = server.folder / "count.yaml"
    definition.write_text(DEFINITION)
    command = ["node", "upload.js", server.address, REPOSITORY / "schemas" / "proto", definition]
    done = subprocess.run(command, cwd=node_client, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{server.log()}"
    said = json.loads(done.stdout)
    assert said["files"] == {
        "/input/series/1.dcm": ["oneONE", "644", 1],
        "/input/series/2.sh": ["two", "755", 1],
        # One message for an empty file: a client that got none would know nothing of it.
        "/input/empty.txt": ["", "644", 1],
    }
    assert said["uploaded"] == {"name": "empty.txt", "mode": 0, "size": 0}
    assert said["before"] == ["JOB_STATE_PENDING", "JOB_STATUS_HEALTHY", "JOB_PRIORITY_NORMAL"]
    assert said["started"] == "JOB_STATUS_HEALTHY"
    assert said["ended"] == ["JOB_STATE_STOPPED", "JOB_STATUS_HEALTHY", "JOB_PRIORITY_NORMAL"]
    assert said["operators"] == [["count", "JOB_OPERATOR_STATUS_COMPLETED"]]
    assert said["type"] == "PAYLOAD_TYPE_PIPELINE"
    assert said["refused"] == [-0x2200, True]
    assert said["jobs"] == [["node", "JOB_STATE_STOPPED"]]
    text, number, started = said["times"]
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert int(moment.timestamp()) + 62135596800 == number
    assert started is None
