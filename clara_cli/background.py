"""A server of a root as a process: started in the background, found again, ended.

<folder>/
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from clara_cli.config import Config
from clara_cli.errors import ClaraError, RuntimeFailure, StateConflict, StoreError
from clara_cli.jobs import lock
from clara_cli.root import Root

# Seconds until a server has to be gone.
_STOP = 20.0
# What a server must not take over from whoever starts it, who may be an operator of a job.
_NOT_HANDED_ON = ("NVIDIA_CLARA_JOBID", "NVIDIA_CLARA_STAGENAME", "CLARA_JOB_SOCKET")


class Listening(Protocol):
    """What a server was started with."""

    def addresses(self) -> list[str]:
        """Where it listens, in words."""
        ...

    def to_json(self) -> str: ...


Given = TypeVar("Given", bound=Listening)


@dataclass(frozen=True)
class Running(Generic[Given]):
    """A server that runs; `started` in seconds since 1970 UTC.

    Attributes:
        options: with the ports that it listens on.
    """

    pid: int
    started: float
    options: Given


@dataclass(frozen=True)
class Register(Generic[Given]):
    """Where the server of a root says what it does."""

    folder: Path

    def write(self, options: Given) -> None:
        """Say where it listens."""
        state = {"pid": os.getpid(), "started": time.time(), "options": options.to_json()}
        aside = self.folder / f".state-{os.getpid()}"
        try:
            aside.write_text(json.dumps(state), "utf-8")
            aside.replace(self.folder / "state.json")
        except OSError as error:
            raise StoreError(f"cannot write in {self.folder}: {error.strerror}") from error


@dataclass(frozen=True)
class Background(Generic[Given]):
    """A kind of server, of which a root has one at the most.

    Attributes:
        title: what it is called, such as `platform server`.
        word: its command, such as `platform`.
        module: what `python -m` runs, with the options, the configuration file and a descriptor for `report`.
        place: its folder in a root.
        read: the inverse of the options' `to_json`.
    """

    title: str
    word: str
    module: str
    place: Callable[[Root], Path]
    read: Callable[[str], Given]

    def log_file(self, root: Root) -> Path:
        return self.place(root) / "server.log"

    def find_running(self, root: Root) -> Running[Given] | None:
        """The server of a root; None when there is none."""
        folder = self.place(root)
        if not lock.is_held(folder):
            return None
        try:
            values = json.loads((folder / "state.json").read_text("utf-8"))
            found = Running(values["pid"], values["started"], self.read(values["options"]))
        except (OSError, ValueError, KeyError):
            return None
        # What a server left that was killed is not what holds the lock now.
        return found if found.pid == lock.signer(folder) else None

    @contextmanager
    def registered(self, root: Root) -> Iterator[Register[Given]]:
        """Make this process the server of a root.

        Raises:
            StateConflict: there is one already.
            StoreError: the root cannot be written.
        """
        folder = self.place(root)
        handle = lock.acquire(folder, lock.MOMENT)
        if handle is None:
            raise self._runs_already(root)
        try:
            lock.sign(handle)
            yield Register(folder)
        finally:
            (folder / "state.json").unlink(missing_ok=True)
            os.close(handle)

    def start(self, root: Root, config: Config, config_file: str | None, options: Given) -> Running[Given]:
        """Start a server in the background, and wait until it listens.

        Raises:
            StateConflict: there is one already.
            RuntimeFailure: it does not start; says what it said.
        """
        folder = self.place(root)
        # One that was just killed holds the lock for a moment still.
        if not lock.wait_for_release(folder, lock.MOMENT):
            raise self._runs_already(root)
        reader, writer = os.pipe()
        file = str(Path(config_file).expanduser().absolute()) if config_file else ""
        command = [sys.executable, "-m", self.module, options.to_json(), file, str(writer)]
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
        # It works in another folder: what was said in relative paths is handed on in absolute ones.
        environment["CLARA_ROOT"] = str(root.path.absolute())
        environment["CLARA_OPERATOR_PATH"] = os.pathsep.join(str(path.absolute()) for path in config.operator_path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self.log_file(root).open("ab") as log:
                process = subprocess.Popen(
                    command,
                    # With -m the folder that holds this very package comes first on the path.
                    cwd=Path(__file__).parents[1],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(writer,),
                    start_new_session=True,
                )
        except OSError as error:
            raise RuntimeFailure(f"the {self.title} cannot be started: {error}") from error
        finally:
            os.close(writer)
        with os.fdopen(reader, "rb") as answers:
            said = answers.read()  # until it listens, or is gone
        # It is to outlive this process, which does not wait for it.
        process.returncode = 0
        if not said:
            raise RuntimeFailure(f"the {self.title} did not start; see {self.log_file(root)}")
        answer = json.loads(said)
        if "error" in answer:
            raise RuntimeFailure(answer["error"], answer["hint"])
        running = self.find_running(root)
        if running is None:
            raise RuntimeFailure(f"the {self.title} ended at once; see {self.log_file(root)}")
        return running

    def stop(self, root: Root) -> Running[Given] | None:
        """End the server of a root, and wait until it is gone; None when there is none.

        Raises:
            RuntimeFailure: it does not end.
        """
        running = self.find_running(root)
        if running is None:
            return None
        folder = self.place(root)
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
                raise RuntimeFailure(f"process {running.pid}, the {self.title}, is another user's") from None
            except OSError:
                pass
            finally:
                os.close(handle)
            if lock.wait_for_release(folder, patience):
                return running
        raise RuntimeFailure(f"process {running.pid}, the {self.title}, does not end")

    def _runs_already(self, root: Root) -> StateConflict:
        running = self.find_running(root)
        where = f", process {running.pid}, on {', '.join(running.options.addresses())}" if running else ""
        return StateConflict(
            f"a {self.title} of {root.path} runs already{where}", hint=f"clara {self.word} restart starts it anew"
        )


def report(descriptor: int, error: ClaraError | None = None) -> None:
    """Tell whoever started this process how the start went."""
    answer = {} if error is None else {"error": error.message, "hint": error.hint}
    with os.fdopen(descriptor, "wb") as answers:
        answers.write(json.dumps(answer).encode())


def serve_in_background(run: Callable[[str, str | None, Callable[[], None]], None]) -> int:
    """The main function of a module that `Background.start` runs; returns the exit status.

    Args:
        run: given the options as JSON, the configuration file, and what to call once it listens.
    """
    options, config_file, descriptor = sys.argv[1:]
    answer = int(descriptor)
    os.set_inheritable(answer, False)
    os.chdir("/")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run(options, config_file or None, lambda: report(answer))
    except ClaraError as error:
        report(answer, error)
        return 1
    return 0
