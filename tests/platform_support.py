"""A platform server for tests: a real one, with a root and a home of its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from support import installed_command, ordinary_user

from clara_cli.root import Root
from clara_cli.server import process

CLIENTS = Path(__file__).parent / "e2e" / "platform" / "clients"


@dataclass
class Server:
    """A server in the background; `port` is 0 until it was started."""

    folder: Path
    port: int = 0

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.folder), "CLARA_ROOT": str(self.root)}

    @property
    def pid(self) -> int:
        running = process.find_running(Root(self.root))
        assert running is not None, "the server does not run"
        return running.pid

    def clara(self, *words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command beside the server."""
        done = subprocess.run(
            [installed_command(), *map(str, words)],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=ordinary_user,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def configure(self, text: str) -> None:
        """Write the configuration file that the server reads when it starts."""
        (self.folder / ".clara").mkdir(exist_ok=True)
        (self.folder / ".clara" / "config.yaml").write_text(text)

    def start(self, *words: str, **environment: str) -> None:
        port = self.port or 0
        out = self.clara("platform", "start", "--port", port, *words, **environment).stdout
        (line,) = (line for line in out.splitlines() if line.startswith("ADDRESS: "))
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> None:
        self.clara("platform", "stop")

    def log(self) -> str:
        return (self.root / "platform" / "server.log").read_text()

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.address)

    def program(self, image: str, text: str, name: str = "main.py") -> None:
        """Register a program for an image."""
        folder = self.folder / "programs" / image
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        self.clara("create", "image", "-n", image, "-p", folder)


@contextmanager
def server_in(folder: Path, *words: str, configuration: str = "") -> Iterator[Server]:
    """A server that ends with the block, whose log holds no stack of a bug."""
    server = Server(folder)
    folder.mkdir(exist_ok=True)
    if configuration:
        server.configure(configuration)
    server.start(*words)
    try:
        yield server
    finally:
        server.stop()
    assert "Traceback" not in server.log(), server.log()


@contextmanager
def made_once(folder: Path, name: str) -> Iterator[Path | None]:
    """A folder that is filled inside the block, by the first process that comes; None where it is there already."""
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / f"{name}.done"
        if done.exists():
            yield None
        else:
            yield folder / name
            done.touch()


def cache(config: pytest.Config, name: str) -> Path:
    """A folder that outlives the test run."""
    assert config.cache is not None
    return config.cache.mkdir(name)
