"""`Driver`: what an operator program creates, starts and waits for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Callable

from clara.errors import WrongState, WrongType
from clara.handlers import Handlers, call
from clara.lifecycle import LifeCycle
from clara.link import Link

if TYPE_CHECKING:
    from uuid import UUID

_ALIASES = {
    "prepare": "prepare_handler",
    "execute": "execute_handler",
    "cleanup": "cleanup_handler",
    "notification": "notification_handler",
    "notify_handler": "notification_handler",
    "error_handler": "notification_handler",
    "app_data": "application_data",
}


class Driver:
    """Runs a program's handlers in step with the other operators of the job.

    Outside a job, or with `NVIDIA_CLARA_NOSYNCLOCK` set, it waits for nothing and takes its folders from the
    environment.

    Parameters
    ----------
    prepare_handler, cleanup_handler : callable, optional
        `handler(driver)`, before the inputs are ready and at the very end.
    execute_handler : callable, optional
        `handler(driver, payload)`, once the inputs are ready.
    notification_handler : callable, optional
        `handler(driver, note)`, `handler(driver, id, message)` or `handler(note)`.
    application_data : object, optional
        Anything; `driver.application_data` gives it back.
    startup_handler : callable, optional
        `handler(driver)`, first thing in `start`.

    A handler fails by raising or by returning a false value other than None.

    Raises
    ------
    clara.Error (a TypeError)
        A handler that cannot be called, or an unknown keyword.
    """

    def __init__(
        self,
        prepare_handler: Callable[..., Any] | None = None,
        execute_handler: Callable[..., Any] | None = None,
        cleanup_handler: Callable[..., Any] | None = None,
        notification_handler: Callable[..., Any] | None = None,
        application_data: Any = None,
        startup_handler: Callable[..., Any] | None = None,
        **aliases: Any,
    ) -> None:
        given = {
            "prepare_handler": prepare_handler,
            "execute_handler": execute_handler,
            "cleanup_handler": cleanup_handler,
            "notification_handler": notification_handler,
            "application_data": application_data,
            "startup_handler": startup_handler,
        }
        for alias, value in aliases.items():
            name = _ALIASES.get(alias)
            if name is None or given[name] is not None:
                raise WrongType("Driver() does not take {!r} here".format(alias))
            given[name] = value
        self._application_data = given.pop("application_data")
        for name, handler in given.items():
            if handler is not None and not callable(handler):
                raise WrongType("{} must be callable, not {!r}".format(name, handler))
        self._handlers = Handlers(**{name.replace("_handler", ""): given[name] for name in given})
        self._job: dict[str, Any] = {}
        self._life: LifeCycle | None = None

    @property
    def application_data(self) -> Any:
        """The object given to the constructor."""
        return self._application_data

    @property
    def job_id(self) -> UUID:
        """The job's identity; all zero outside a job."""
        from uuid import UUID

        try:
            return UUID(self._job.get("job_id", ""))
        except ValueError:
            return UUID(int=0)

    @property
    def job_name(self) -> str:
        """The job's name; empty outside a job."""
        return str(self._job.get("job_name", ""))

    @property
    def stage_name(self) -> str:
        """The operator's name in the pipeline; empty outside a job."""
        return str(self._job.get("stage", ""))

    def start(self) -> None:
        """Begin the life-cycle on a thread of its own, and return.

        Raises
        ------
        clara.Error
            Started before, the job's runner does not answer, or a child process of `multiprocessing` starts it.
        """
        if self._life is not None:
            raise WrongState("the driver was already started")
        if _in_spawned_child():
            raise WrongState(
                "a child process imports the program and would start its driver: "
                'put what starts it under `if __name__ == "__main__":`'
            )
        startup = call("startup", self._handlers.startup, self)
        link = _link()
        self._job = link.request("hello", stage=os.environ.get("NVIDIA_CLARA_STAGENAME", "")).fields
        self._life = LifeCycle(self, self._handlers, link, self._job)
        self._life.start(startup)

    def wait_for_completion(self) -> None:
        """Block until all handlers are over.

        Raises
        ------
        SystemExit
            The operator failed or was stopped; carries the status of the process.
        clara.Error
            Not started, or called from a handler.
        """
        if self._life is None:
            raise WrongState("the driver was not started")
        self._life.wait()

    def close(self) -> None:
        """Wait for completion if the driver was started."""
        if self._life is not None:
            self._life.wait()

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _link() -> Link:
    address = os.environ.get("CLARA_JOB_SOCKET", "")
    if address and not _truthy(os.environ.get("NVIDIA_CLARA_NOSYNCLOCK", "")):
        from clara.channel import Channel

        return Channel(address)
    from clara.standalone import Standalone

    return Standalone()


def _in_spawned_child() -> bool:
    """Whether `multiprocessing` runs the program once more in a child, to find the functions it has to call."""
    module = sys.modules.get("multiprocessing.process")
    return module is not None and bool(getattr(module.current_process(), "_inheriting", False))


def _truthy(text: str) -> bool:
    return text.strip().lower() not in ("", "0", "false")
