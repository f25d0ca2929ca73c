"""What the tests share: the command in-process, in a shell and on a terminal; small pipelines; volumes."""

from __future__ import annotations

import ctypes
import gzip
import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.jobs import lock
from clara_cli.jobs.actions import create_job
from clara_cli.pipelines.load import load_files
from clara_cli.pipelines.model import Operator, Pipeline
from clara_cli.pipelines.store import insert_pipeline
from clara_cli.root import choose_root

REPOSITORY = Path(__file__).parents[1]
EXAMPLE = REPOSITORY / "examples" / "fastio-passthrough"


@dataclass(frozen=True)
class Answer:
    """What a command did: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Clara:
    """`clara("list", "jobs")` in this process, as a pytest suite of a user would call it."""

    def __call__(self, *words: object, code: int | None = 0) -> Answer:
        from clara_cli.cli import cli

        before, threads, descriptors = self._state(), _threads(), _open_descriptors()
        result = CliRunner().invoke(cli, [str(word) for word in words], prog_name="clara")
        answer = Answer(result.exit_code, result.stdout, result.stderr)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        after = self._state()
        assert before == after, f"the command left something changed in this process: {before} is now {after}"
        # What an earlier test left, a thread or to the garbage collector, may vanish meanwhile, hence not equal.
        assert not _threads() - threads, f"the command left threads: {_threads() - threads}"
        assert _open_descriptors() <= descriptors, "the command left descriptors open"
        if code is not None:
            assert answer.code == code, f"exit {answer.code}\n{answer.out}\n{answer.err}"
        return answer

    def pipeline(self, definition: Path) -> str:
        """Create a pipeline; returns its id."""
        return self("create", "pipelines", "-p", definition).out.removeprefix("PIPELINE_ID: ").strip()

    def job(self, pipeline: str, files: Path | None = None, name: str = "job") -> str:
        """Create a job; returns its id."""
        more = [] if files is None else ["-f", files]
        return self("create", "jobs", "-n", name, "-p", pipeline, *more).lines[0].removeprefix("JOB_ID: ")

    def run(self, definition: Path, files: Path | None = None, code: int = 0) -> tuple[str, Answer]:
        """Create and start a job; returns its id and what `start` said."""
        job = self.job(self.pipeline(definition), files)
        return job, self("start", "job", "-j", job, code=code)

    @staticmethod
    def _state() -> tuple[object, ...]:
        handlers = tuple(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        return Path.cwd(), handlers


def _threads() -> Counter[str]:
    return Counter(thread.name for thread in threading.enumerate())


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def installed_command() -> str:
    """The installed `clara` of the environment that runs the tests."""
    command = Path(sys.executable).parent / "clara"
    assert command.exists(), "install the project first: pip install -e .[test]"
    return str(command)


def ordinary_user() -> None:
    """Give up the privileges of root, if this is root: to be run in a child before it becomes another program."""
    libc = ctypes.CDLL(None)
    if os.geteuid() == 0:
        for capability in range(64):
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def shell(script: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script through a real bash without root's privileges, in which `clara` is the installed command."""
    path = f"{Path(installed_command()).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=cwd,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
        check=False,
        preexec_fn=ordinary_user,
    )


def on_terminal(
    *words: str, interrupt_when: Callable[[str], bool] | None = None, answer: tuple[bytes, bytes] | None = None
) -> tuple[int, str]:
    """Run the installed command on a terminal of its own; press Ctrl-C once when the text shown calls for it.

    Args:
        answer: a question, and what is typed once it is shown.

    Returns:
        its exit status and all that the terminal showed.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.execve(installed_command(), ["clara", *words], {**os.environ, "TERM": "xterm", "COLUMNS": "120"})
    shown = b""
    pressed = False
    while True:
        if pressed and not select.select([terminal], [], [], 20)[0]:
            os.write(terminal, b"\x03")  # as a person does, where the first one fell into a moment of no use
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        shown += chunk
        if answer is not None and answer[0] in shown:
            os.write(terminal, answer[1])
            answer = None
        if interrupt_when is not None and not pressed and interrupt_when(shown.decode("utf-8", "replace")):
            os.write(terminal, b"\x03")
            pressed = True
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode("utf-8", "replace")


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """What `condition` returns, once it is true; an assertion names `what` when that takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.01)
    return found


def processes_of(job_id: str) -> list[int]:
    """Processes whose environment has the job's id; zombies have none."""
    mark = f"NVIDIA_CLARA_JOBID={job_id}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def signed_runner(job_id: str) -> int:
    """The process that runs a job, as it has signed the job's lock."""

    def signer() -> int | None:
        folder = choose_root(load_config()).jobs / job_id
        return lock.signer(folder) if lock.is_held(folder) else None

    found: int = wait_until(signer, "the runner")
    return found


def programs_of(job_id: str) -> list[int]:
    """The same without bubblewrap's own processes."""
    return [pid for pid in processes_of(job_id) if _status_field(pid, "Name") != "bwrap"]


def runner_of(pid: int) -> int:
    """The process that started an operator's process, from outside of what encloses it."""
    parent = int(_status_field(pid, "PPid"))
    return runner_of(parent) if _status_field(parent, "Name") == "bwrap" else parent


def _status_field(pid: int, name: str) -> str:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return line.split(maxsplit=1)[1]
    return ""


def shared_memory_here() -> list[str]:
    """Files of `/dev/shm` that this process has open or mapped; they have no names."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    mapped = Path("/proc/self/maps").read_text().splitlines()
    found += [line.split(maxsplit=5)[5] for line in mapped if len(line.split(maxsplit=5)) == 6]
    return sorted(name for name in found if name.startswith("/dev/shm/"))


def holders(inodes: set[int]) -> list[int]:
    """Processes that have one of these files of `/dev/shm` open or mapped."""
    device = Path("/dev/shm").stat().st_dev
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            opened = {(info.st_dev, info.st_ino) for info in map(_status, (entry / "fd").iterdir()) if info}
            maps = [line.split() for line in (entry / "maps").read_text(errors="replace").splitlines()]
            mapped = {int(words[4]) for words in maps if len(words) > 5 and words[5].startswith("/dev/shm/")}
            if inodes & mapped or {(device, inode) for inode in inodes} & opened:
                found.append(int(entry.name))
    return found


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def stored_job(pipeline: Pipeline, folder: Path, files: Path | None = None) -> str:
    """A job of a pipeline that no file describes, with its operators' programs in `folder`; returns its id."""
    with Database(choose_root(load_config())) as database:
        text = b"api-version: 0.4.0\nname: n\noperators:\n- {name: a, container: {image: a}}\n"
        loaded = replace(load_files([("n.yaml", text)]), pipeline=pipeline, folder=folder)
        with database.write() as connection:
            pipeline_id = insert_pipeline(connection, loaded)
        return create_job(database, "job", pipeline_id, files).job.id


def pipeline_of(*operators: Operator, timeout: int | None = None) -> Pipeline:
    """A pipeline of these operators; an operator's image is by habit its name."""
    return Pipeline("test-pipeline", "0.4.0", "Clara", operators, timeout=timeout)


@dataclass(frozen=True)
class Project:
    """A folder with a definition and operator programs beside it."""

    folder: Path

    def operator(self, name: str, program: str, file: str = "main.py") -> Path:
        """A program's folder; returns it."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / file).write_text(textwrap.dedent(program))
        return folder

    def driver(self, name: str, execute: str, prepare: str = "pass") -> Path:
        """A program that uses the driver; `execute` is the body of its execute handler."""
        body = textwrap.indent(textwrap.dedent(execute).strip(), "    ")
        return self.operator(
            name,
            f"import os, sys, time, clara\n"
            f"def prepare(driver):\n    {prepare}\n"
            f"def execute(driver, payload):\n{body}\n"
            "driver = clara.Driver(prepare_handler=prepare, execute_handler=execute)\n"
            "driver.start()\ndriver.wait_for_completion()\n",
        )

    def configure(self, text: str) -> None:
        """Write the user's configuration file."""
        folder = Path.home() / ".clara"
        folder.mkdir(exist_ok=True)
        (folder / "config.yaml").write_text(textwrap.dedent(text))

    def definition(self, operators: str, version: str = "0.5.0", name: str = "test-pipeline") -> Path:
        """A definition file; `operators` is the list's YAML."""
        path = self.folder / "pipeline.yaml"
        body = textwrap.dedent(operators).strip()
        path.write_text(f"api-version: {version}\norchestrator: Clara\nname: {name}\noperators:\n{body}\n")
        return path


def nibabel_volumes() -> Path:
    """The folder of nibabel's own test volumes."""
    import nibabel

    return Path(nibabel.__file__).parent / "tests" / "data"


def save_volume(path: Path, array: Any, *, slope: float | None = None, inter: float = 0.0, big: bool = False) -> Path:
    """Write a NIfTI file with exactly these stored numbers."""
    import nibabel
    import numpy as np

    image = nibabel.Nifti1Image(array, np.eye(4))
    header = image.header.as_byteswapped(">") if big else image.header
    image = nibabel.Nifti1Image(array, np.eye(4), header)
    image.header.set_data_dtype(array.dtype.newbyteorder(">" if big else "="))
    if slope is not None:
        image.header.set_slope_inter(slope, inter)
        # nibabel divides by the slope when it writes; the stored numbers are what counts here.
        image = nibabel.Nifti1Image(array * slope + inter, np.eye(4), image.header)
    nibabel.save(image, path)
    return path


def truncate(source: Path, target: Path) -> Path:
    """A gzip file that ends in the middle."""
    whole = source.read_bytes() if source.suffix == ".gz" else gzip.compress(source.read_bytes())
    target.write_bytes(whole[: len(whole) // 2])
    return target
