"""Servers, and clients that others wrote: NVIDIA's own Python package and gRPC for Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from platform_support import CLIENTS, Server, cache, made_once, server_in

# The last versions of both that work together, whatever is newer.
REAL_CLIENT = ("nvidia-clara-client==0.8.1.7", "protobuf==3.20.3", "setuptools<81")


@pytest.fixture(scope="session")
def real_client(pytestconfig: pytest.Config) -> Path:
    """The Python of an environment that holds NVIDIA's client; made once, and kept with pytest's cache."""
    folder = cache(pytestconfig, "nvidia-clara-client")
    with made_once(folder, "environment") as target:
        if target is not None:
            uv = [sys.executable, "-m", "uv"]
            subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, target], check=True)
            subprocess.run(
                [*uv, "pip", "install", "--quiet", "--python", target / "bin/python", *REAL_CLIENT], check=True
            )
    return folder / "environment" / "bin" / "python"


@pytest.fixture(scope="session")
def node_client(pytestconfig: pytest.Config) -> Path:
    """The folder of a Node program with what it needs; skipped where there is no npm."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm and node are not installed")
    folder = cache(pytestconfig, "node-client")
    with made_once(folder, "client") as target:
        if target is not None:
            shutil.copytree(CLIENTS / "node", target, dirs_exist_ok=True)
            command = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=target, check=True, env={**os.environ, "HOME": str(folder)})
    for program in (CLIENTS / "node").glob("*.js"):
        shutil.copy(program, folder / "client")
    return folder / "client"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of one file."""
    with server_in(tmp_path_factory.mktemp("platform")) as running:
        yield running
