"""A real console and a real browser, for the tests of what is drawn and looked at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from clara_cli.volumes.orientation import Plane

Array = np.ndarray[Any, Any]
PIPELINE = """
api-version: 0.4.0
orchestrator: Clara
name: to-be-looked-at
operators:
- name: one
  container: {image: one, tag: latest}
  input: [{path: /input}]
  output: [{path: /output}]
"""


@dataclass
class Viewed:
    """A console of its own root, and commands beside it."""

    folder: Path
    client: httpx.Client
    address: str = ""

    def clara(self, *words: object, code: int = 0) -> str:
        command = [sys.executable, "-m", "clara_cli", *map(str, words)]
        done = subprocess.run(
            command, env=self.environment(), cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLARA_", "NVIDIA_CLARA_"))}
        return {**kept, "HOME": str(self.folder), "CLARA_ROOT": str(self.folder / "root")}

    def payload(self, files: Path, definition: Path | None = None) -> tuple[str, str]:
        """A job with these input files; returns its id and its payload's."""
        if definition is None:
            definition = self.folder / "pipeline.yaml"
            definition.write_text(PIPELINE)
        pipeline = self.clara("create", "pipelines", "-p", definition).removeprefix("PIPELINE_ID: ").strip()
        lines = self.clara("create", "jobs", "-n", "a job", "-p", pipeline, "-f", files).splitlines()
        return lines[0].removeprefix("JOB_ID: "), lines[1].removeprefix("PAYLOAD_ID: ")

    def get(self, path: str, **query: object) -> httpx.Response:
        asked = {key: str(value) for key, value in query.items()} or None
        return self.client.get(self.address + path, params=asked, headers={"accept": "text/html"})


@contextmanager
def console_in(folder: Path) -> Iterator[Viewed]:
    """A console in the background, ended afterwards."""
    with httpx.Client() as client:
        viewed = Viewed(folder, client)
        lines = viewed.clara("console", "start", "--port", "0").splitlines()
        viewed.address = next(line for line in lines if line.startswith("ADDRESS: ")).removeprefix("ADDRESS: ")
        try:
            yield viewed
        finally:
            viewed.clara("console", "stop")


def chromium() -> str | None:
    """The machine's own browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def expected(ras: Array, plane: Plane, number: int) -> Array:
    """A slice of an array whose axes run right, front and up, as a radiologist looks at it."""
    if plane is Plane.AXIAL:
        return ras[::-1, ::-1, number].T
    if plane is Plane.CORONAL:
        return ras[::-1, ::-1, :][:, number, ::-1].T
    return ras[::-1][number, ::-1, ::-1].T


def as_grey(values: Array, width: float, level: float) -> Array:
    """What a window makes of values."""
    return np.rint(np.clip((values - (level - width / 2)) * 255.0 / width, 0, 255)).astype(np.uint8)


def as_marked(grey: Array, labels: Array, opacity: float) -> Array:
    """Grey with the first two labels' colours over it."""
    colours = {1: (230, 159, 0), 2: (86, 180, 233)}
    picture = np.repeat(grey[:, :, None], 3, axis=2).astype(float)
    for label, colour in colours.items():
        picture[labels == label] = picture[labels == label] * (1 - opacity) + np.array(colour) * opacity
    return np.rint(picture).astype(np.uint8)
