"""Where a measurement was made."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("clara-cli", "numpy", "nibabel", "isal", "zlib-ng", "click", "rich")


def describe() -> str:
    """Date, hardware, kernel and versions, a line each."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return "\n".join(
        [
            f"date:    {time.strftime('%Y-%m-%d %H:%M')}, load {load}",
            f"machine: {_field('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores, "
            f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / (1 << 20):.1f} GiB",
            f"kernel:  {platform.system()} {platform.release()}",
            f"python:  {platform.python_version()}; "
            + ", ".join(f"{library} {version(library)}" for library in LIBRARIES),
        ]
    )


def _field(file: str, key: str) -> str:
    for line in Path(file).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "0 (unknown)"
