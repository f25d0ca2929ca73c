"""`python benchmarks/install_peers.py`: a virtual environment for each peer, for the benchmark `peers`."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy
from peers import ENVIRONMENTS, PEERS


def main() -> None:
    """Install those that are missing; several hundred megabytes, some minutes."""
    for name, peer in PEERS.items():
        folder = ENVIRONMENTS / peer.folder
        done = folder / "installed"
        if done.exists() and done.read_text() == peer.requirement:
            continue
        print(f"{name}: {peer.requirement}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, peer.requirement, f"numpy=={numpy.__version__}"], check=True)
        done.write_text(peer.requirement)


if __name__ == "__main__":
    main()
