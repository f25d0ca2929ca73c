"""A root of its own for one measurement, with the `clara` of the environment that runs the benchmarks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from clara_cli.database import Database
from clara_cli.jobs.actions import create_job
from clara_cli.root import Root

OPERATORS = Path(__file__).resolve().parent / "operators"
# Not resolved: a virtual environment is known by the path of its python.
CLARA = Path(sys.executable).parent / "clara"


class Workspace:
    """A temporary folder with a fresh CLARA_ROOT; a context manager that removes it.

    Attributes:
        folder: the temporary folder.
        root: the CLARA_ROOT in it.
        environment: for processes: this root, the stand-in operators, and no configuration of the user's.
    """

    def __enter__(self) -> Workspace:
        self._temporary = tempfile.TemporaryDirectory(prefix="clara-benchmark-")
        self.folder = Path(self._temporary.name)
        self.root = self.folder / "root"
        self.environment = {
            **os.environ,
            "HOME": str(self.folder),
            "CLARA_ROOT": str(self.root),
            "CLARA_OPERATOR_PATH": str(OPERATORS),
            "CLARA_START": "attach",
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._temporary.cleanup()

    def clara(self, *words: str) -> str:
        """Run a command to its end; returns its stdout."""
        done = subprocess.run(
            [str(CLARA), *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode()

    def pipeline(self, operators: list[dict[str, Any]]) -> str:
        """Create a pipeline of these operators; returns its id."""
        document = {"api-version": "0.5.0", "orchestrator": "Clara", "name": "benchmark", "operators": operators}
        path = self.folder / "pipeline.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return self.clara("create", "pipelines", "-p", str(path)).split()[-1]

    def job(self, pipeline: str) -> str:
        """Create a job; returns its id."""
        return self.clara("create", "jobs", "-n", "benchmark", "-p", pipeline).splitlines()[0].split()[-1]

    def jobs(self, pipeline: str, count: int) -> list[str]:
        """Create many jobs at once, which a command would take a process each for; returns their ids."""
        with Database(Root(self.root)) as database:
            return [create_job(database, "benchmark", pipeline, None).job.id for _ in range(count)]

    def marks(self, job: str, operator: str) -> dict[str, float]:
        """The times that a stand-in operator printed."""
        log = self.root / "jobs" / job / "logs" / f"{operator}.log"
        marks: dict[str, float] = json.loads(log.read_text())
        return marks


def array(name: str, *shape: int) -> dict[str, Any]:
    """The declaration of a FastIO variable of bytes."""
    return {"name": name, "type": "array", "element-type": "uint8", "shape": list(shape)}


def operator(
    name: str,
    image: str,
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    variables: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An operator for `Workspace.pipeline`."""
    found: dict[str, Any] = {"name": name, "container": {"image": image, "tag": "latest"}}
    if inputs:
        found["input"] = inputs
    if outputs:
        found["output"] = outputs
    if variables:
        found["variables"] = variables
    return found


def handing_over(size: int, consumers: int = 1) -> list[dict[str, Any]]:
    """A producer of an array of `size` bytes and consumers that read it one after another."""
    operators = [operator("producer", "producer", [], [array("volume", -1)], {"BENCHMARK_BYTES": str(size)})]
    for count in range(1, consumers + 1):
        inputs = [{"from": "producer", **array("volume", -1)}]
        if count > 1:
            inputs.append({"from": f"consumer-{count - 1}", **array("done", 1)})
        outputs = [array("done", 1)] if count < consumers else []
        operators.append(operator(f"consumer-{count}", "consumer", inputs, outputs))
    return operators
