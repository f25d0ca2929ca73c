"""The wire contract: what is in the package is what NVIDIA's client describes, and what the .proto files say."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from platform_support import cache, made_once
from support import REPOSITORY

WIRE = REPOSITORY / "clara_cli" / "server" / "wire"
# Clara's own service is no part of the published contract.
MODULES = sorted(path.stem for path in WIRE.glob("*_pb2.py") if path.stem != "commands_pb2")
# Newer compilers write code that older protobufs refuse.
COMPILER = ("grpcio-tools==1.62.3", "setuptools<81")

# Both sets of modules in one process; what one of them writes the other reads.
BOTH = """\
import importlib, json, sys
names = sys.argv[1].split(",")
real = {name: importlib.import_module(f"nvidia_clara.grpc.{name}") for name in names}
ours = {name: importlib.import_module(f"clara_cli.server.wire.{name}") for name in names}
request = real["jobs_pb2"].JobsCreateRequest(name="n", metadata={"a": "b"})
read = ours["jobs_pb2"].JobsCreateRequest.FromString(request.SerializeToString())
assert read.name == "n" and dict(read.metadata) == {"a": "b"}
json.dump({name: real[name].DESCRIPTOR.serialized_pb.hex() for name in names}, sys.stdout)
"""


def test_the_descriptors_are_those_of_the_real_client(real_client: Path) -> None:
    assert len(MODULES) == 7
    done = subprocess.run(
        [real_client, "-c", BOTH, ",".join(MODULES)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    own = {
        name: importlib.import_module(f"clara_cli.server.wire.{name}").DESCRIPTOR.serialized_pb.hex()
        for name in MODULES
    }
    assert json.loads(done.stdout) == own


def test_the_generated_code_is_what_the_proto_files_say(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    folder = cache(pytestconfig, "grpcio-tools")
    with made_once(folder, "environment") as target:
        if target is not None:
            uv = [sys.executable, "-m", "uv"]
            subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", "3.11", target], check=True)
            subprocess.run([*uv, "pip", "install", "--quiet", "--python", target / "bin/python", *COMPILER], check=True)
    python = folder / "environment" / "bin" / "python"
    subprocess.run([REPOSITORY / "schemas" / "proto" / "generate.sh", python, tmp_path / "wire"], check=True)
    written = {path.name: path.read_bytes() for path in (tmp_path / "wire").iterdir()}
    assert written == {path.name: path.read_bytes() for path in WIRE.iterdir() if path.is_file()}
