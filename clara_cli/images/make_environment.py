"""Making one Python environment: with uv where it is installed, else with venv and pip."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from clara_cli.errors import ImageError
from clara_cli.images.requirements import Requirements

# Told of each step and of each line that the tools write.
Progress = Callable[[str], None]
_READY = ".ready"
_SHOWN = 12
# These would make the new environment's tools look at packages that are not its own.
_HIDDEN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV", "PIP_USER", "PIP_TARGET")


def find_uv() -> str | None:
    """The program uv, on PATH or beside the Python that runs this."""
    return shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}")


def python_of(folder: Path) -> Path | None:
    """The interpreter of an environment that was made to the end."""
    python = folder / "bin" / "python"
    return python if (folder / _READY).exists() and os.access(python, os.X_OK) else None


def make_environment(
    folder: Path, requirements: Requirements, label: str, progress: Progress | None = None, *, uv: str | None = ""
) -> Path:
    """Make an environment, unless another process does so meanwhile.

    It is made in its place, because its scripts name their interpreter by its whole path; a mark that is set last
    tells a whole one from a half-made one, which is made anew.

    Args:
        label: whose it is, for messages.
        uv: path of uv, or None for pip; looked for when not given.

    Returns:
        its interpreter.

    Raises:
        ImageError: it cannot be made; with the last lines of the tool that failed.
    """
    tell = progress or (lambda _: None)
    tool = find_uv() if uv == "" else uv
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_suffix(".lock")):
            if (python := python_of(folder)) is not None:
                return python
            shutil.rmtree(folder, ignore_errors=True)
            tell(f"making the Python environment of {label}")
            try:
                _make(folder, requirements, label, tell, tool)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            return folder / "bin" / "python"
    except OSError as error:
        raise ImageError(f"the environment of {label} cannot be made in {folder}: {error.strerror or error}") from error


def _make(folder: Path, requirements: Requirements, label: str, tell: Progress, uv: str | None) -> None:
    python = str(folder / "bin" / "python")
    listed = folder / "requirements.txt"
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", str(listed)]
    made = [uv, "venv", "--python", sys.executable, str(folder)] if uv else [sys.executable, "-m", "venv", str(folder)]
    install = [uv, "pip", "install", "--python", python, "-r", str(listed)] if uv else pip
    _run(made, folder.parent, label, tell)
    listed.write_text("".join(f"{line}\n" for line in requirements.lines))
    _run(install, folder, label, tell)
    for packages in (folder / "lib").glob("python*/site-packages"):
        # Behind its own packages come those of clara's Python, such as the numpy that FastIO arrays need.
        behind = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
        (packages / "behind-clara.pth").write_text("".join(f"{path}\n" for path in behind))
    (folder / _READY).touch()


def _run(command: Sequence[str], cwd: Path, label: str, tell: Progress) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    last: deque[str] = deque(maxlen=_SHOWN)
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                if line.strip():
                    last.append(line.rstrip())
                    tell(line.strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        shown = "\n".join(f"  {line}" for line in last)
        raise ImageError(f"the environment of {label} cannot be made; {Path(command[0]).name} ended with:\n{shown}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
