"""The server as a process: started in the background, found again, ended.

<root>/platform/
  lock            locked for as long as the server lives; it holds the number of its process
  state.json      what it was started with, and where it listens
  server.log      what it has to say
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clara_cli.config import Config
from clara_cli.errors import ClaraError, RuntimeFailure, StateConflict, StoreError
from clara_cli.jobs import lock
from clara_cli.root import Root
from clara_cli.server.options import Options

# Seconds until a server has to listen, and until it has to be gone.
_START, _STOP = 60.0, 20.0
# What a server must not take over from whoever starts it, who may be an operator of a job.
_NOT_HANDED_ON = ("NVIDIA_CLARA_JOBID", "NVIDIA_CLARA_STAGENAME", "CLARA_JOB_SOCKET")


@dataclass(frozen=True)
class Running:
    """A server that runs; `started` in seconds since 1970 UTC.

    Attributes:
        options: with the ports that it listens on.
    """

    pid: int
    started: float
    options: Options


def log_file(root: Root) -> Path:
    return _folder(root) / "server.log"


def find_running(root: Root) -> Running | None:
    """The server of a root; None when there is none."""
    folder = _folder(root)
    if not lock.is_held(folder):
        return None
    try:
        values = json.loads((folder / "state.json").read_text("utf-8"))
        found = Running(values["pid"], values["started"], Options.from_json(values["options"]))
    except (OSError, ValueError, KeyError):
        return None
    # What a server left that was killed is not what holds the lock now.
    return found if found.pid == lock.signer(folder) else None


@contextmanager
def registered(root: Root) -> Iterator[Register]:
    """Make this process the server of a root.

    Raises:
        StateConflict: there is one already.
        StoreError: the root cannot be written.
    """
    folder = _folder(root)
    handle = lock.acquire(folder, lock.MOMENT)
    if handle is None:
        raise _runs_already(root)
    try:
        lock.sign(handle)
        yield Register(folder)
    finally:
        (folder / "state.json").unlink(missing_ok=True)
        os.close(handle)


@dataclass(frozen=True)
class Register:
    """Where the server of a root says what it does."""

    folder: Path

    def write(self, options: Options) -> None:
        """Say where it listens."""
        state = {"pid": os.getpid(), "started": time.time(), "options": options.to_json()}
        aside = self.folder / f".state-{os.getpid()}"
        try:
            aside.write_text(json.dumps(state), "utf-8")
            aside.replace(self.folder / "state.json")
        except OSError as error:
            raise StoreError(f"cannot write in {self.folder}: {error.strerror}") from error


def start(root: Root, config: Config, config_file: str | None, options: Options) -> Running:
    """Start a server in the background, and wait until it listens.

    Raises:
        StateConflict: there is one already.
        RuntimeFailure: it does not start; says what it said.
    """
    folder = _folder(root)
    # One that was just killed holds the lock for a moment still.
    if not lock.wait_for_release(folder, lock.MOMENT):
        raise _runs_already(root)
    reader, writer = os.pipe()
    file = str(Path(config_file).expanduser().absolute()) if config_file else ""
    command = [sys.executable, "-m", "clara_cli.server", options.to_json(), file, str(writer)]
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    # It works in another folder: what was said in relative paths is handed on in absolute ones.
    environment["CLARA_ROOT"] = str(root.path.absolute())
    environment["CLARA_OPERATOR_PATH"] = os.pathsep.join(str(path.absolute()) for path in config.operator_path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with log_file(root).open("ab") as log:
            process = subprocess.Popen(
                command,
                # With -m the folder that holds this very package comes first on the path.
                cwd=Path(__file__).parents[2],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(writer,),
                start_new_session=True,
            )
    except OSError as error:
        raise RuntimeFailure(f"the platform server cannot be started: {error}") from error
    finally:
        os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        said = answers.read()  # until it listens, or is gone
    # It is to outlive this process, which does not wait for it.
    process.returncode = 0
    if not said:
        raise RuntimeFailure(f"the platform server did not start; see {log_file(root)}")
    answer = json.loads(said)
    if "error" in answer:
        raise RuntimeFailure(answer["error"], answer["hint"])
    running = find_running(root)
    if running is None:
        raise RuntimeFailure(f"the platform server ended at once; see {log_file(root)}")
    return running


def report(descriptor: int, error: ClaraError | None = None) -> None:
    """Tell whoever started this process how the start went."""
    answer = {} if error is None else {"error": error.message, "hint": error.hint}
    with os.fdopen(descriptor, "wb") as answers:
        answers.write(json.dumps(answer).encode())


def stop(root: Root) -> Running | None:
    """End the server of a root, and wait until it is gone; None when there is none.

    Raises:
        RuntimeFailure: it does not end.
    """
    running = find_running(root)
    if running is None:
        return None
    folder = _folder(root)
    for number, patience in ((signal.SIGTERM, _STOP), (signal.SIGKILL, _STOP)):
        try:
            handle = os.pidfd_open(running.pid)
        except OSError:
            return running
        try:
            # As long as the lock is held its signer lives, so the number is nobody else's.
            if lock.is_held(folder) and lock.signer(folder) == running.pid:
                signal.pidfd_send_signal(handle, number)
        except PermissionError:
            raise RuntimeFailure(f"process {running.pid}, the platform server, is another user's") from None
        except OSError:
            pass
        finally:
            os.close(handle)
        if lock.wait_for_release(folder, patience):
            return running
    raise RuntimeFailure(f"process {running.pid}, the platform server, does not end")


def _runs_already(root: Root) -> StateConflict:
    running = find_running(root)
    where = f", process {running.pid}, on {', '.join(running.options.addresses())}" if running else ""
    return StateConflict(
        f"a platform server of {root.path} runs already{where}", hint="clara platform restart starts it anew"
    )


def _folder(root: Root) -> Path:
    return root.platform
