"""Running without a job: folders from the environment, shared memory only within this process."""

from __future__ import annotations

import os
from typing import Any, Callable

from clara.errors import InvalidValue, UnknownName
from clara.link import Link, Reply


class Resource:
    """A piece of memory of the context API, with its metadata and the number of references to it."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size
        self.element_type: str | None = None
        self.dimensions: list[int] | None = None
        self.references = 1

    def described(self) -> dict[str, Any]:
        return {"size": self.size, "element_type": self.element_type, "dimensions": self.dimensions}


class Standalone(Link):
    """Stands in for a job's runner. Inputs count as ready; there are no FastIO variables.

    Shared memory follows the rules of a job (`clara_cli/runtime/resources.py`) that has one operator, this process:
    nobody else could map it for writing. One suite of tests runs on both.
    """

    def __init__(self) -> None:
        self._resources: dict[int, Resource] = {}
        self._names: dict[str, int] = {}
        self._last = 0

    def request(self, op: str, **fields: Any) -> Reply:
        answer: Callable[..., Reply] | None = getattr(self, "_on_" + op, None)
        if answer is None:
            raise InvalidValue("{} needs a job".format(op))
        return answer(**fields)

    def post(self, op: str, **fields: Any) -> None:
        self.request(op, **fields)

    def watch(self, gone: Callable[[], None]) -> None:
        """Nobody is there who could leave."""

    def gone(self) -> bool:
        return False

    def interrupt(self) -> None:
        """No request blocks."""

    def close(self) -> None:
        for number in list(self._resources):
            self._forget(number)

    def _on_hello(self, stage: str) -> Reply:
        inputs = folders("NVIDIA_CLARA_INPUTPATHS", "/input")
        outputs = folders("NVIDIA_CLARA_OUTPUTPATHS", "/output")
        job = {"job_id": os.environ.get("NVIDIA_CLARA_JOBID", "")}
        job["job_name"] = os.environ.get("NVIDIA_CLARA_JOBNAME", "")
        return Reply(dict(job, stage=stage, inputs=inputs, outputs=outputs), [])

    def _on_wait(self) -> Reply:
        return Reply({"shapes": [None for _ in folders("NVIDIA_CLARA_INPUTPATHS", "/input")]}, [])

    def _on_create(self, size: int) -> Reply:
        self._last += 1
        self._resources[self._last] = Resource(_anonymous_file(), size)
        return self._handed_out(self._last)

    def _on_publish(self, id: int, name: str) -> Reply:
        self._held(id)
        if self._names.get(name, id) != id:
            raise InvalidValue('"{}" is published already'.format(name))
        self._names[name] = id
        return Reply({}, [])

    def _on_get(self, name: str) -> Reply:
        if name not in self._names:
            known = ", ".join(sorted(self._names)) or "nothing"
            raise UnknownName('nothing is published as "{}"; published: {}'.format(name, known))
        number = self._names[name]
        self._resources[number].references += 1
        return self._handed_out(number)

    def _on_describe(self, id: int, element_type: str, dimensions: list[int]) -> Reply:
        resource = self._held(id)
        resource.element_type, resource.dimensions = element_type, list(dimensions)
        return Reply({}, [])

    def _on_metadata(self, id: int) -> Reply:
        return Reply(self._held(id).described(), [])

    def _on_map(self, id: int, write: bool) -> Reply:
        self._held(id)
        return Reply({}, [])

    def _on_unmap(self, id: int, write: bool) -> Reply:
        self._held(id)
        return Reply({}, [])

    def _on_release(self, id: int) -> Reply:
        resource = self._held(id)
        resource.references -= 1
        if not resource.references and id not in self._names.values():
            self._forget(id)
        return Reply({}, [])

    def _on_free(self, id: int) -> Reply:
        self._held(id)
        self._names = {name: number for name, number in self._names.items() if number != id}
        return self._on_release(id)

    def _held(self, number: int) -> Resource:
        """The resource, if this process has a reference to it."""
        resource = self._resources.get(number)
        if resource is None or not resource.references:
            raise UnknownName("there is no shared memory resource {} here".format(number))
        return resource

    def _handed_out(self, number: int) -> Reply:
        resource = self._resources[number]
        return Reply(dict(resource.described(), id=number), [os.dup(resource.descriptor)])

    def _forget(self, number: int) -> None:
        os.close(self._resources.pop(number).descriptor)


def folders(variable: str, default: str) -> list[dict[str, Any]]:
    """The folders of `name:path;name:path` in an environment variable, else one unnamed default."""
    found = []
    for item in os.environ.get(variable, "").split(";"):
        name, colon, path = item.partition(":")
        if item:
            found.append({"kind": "stream", "name": name if colon else "", "path": path if colon else item})
    return found or [{"kind": "stream", "name": "", "path": default}]


def _anonymous_file() -> int:
    """A file in memory that has no name and vanishes with its last descriptor."""
    try:
        return os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        from tempfile import TemporaryFile

        with TemporaryFile() as file:
            return os.dup(file.fileno())
