"""The core's records as messages of clara's own service, and back, field by field of the same name.

Mappings travel as pairs, which keep their order; names of files as bytes; members of enumerations by their values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeVar

from google.protobuf.message import Message

from clara_cli.images.reference import RegisteredImage
from clara_cli.jobs.clean import Ended
from clara_cli.jobs.model import Job, OperatorRecord
from clara_cli.jobs.model import Message as JobMessage
from clara_cli.jobs.placed import Placed
from clara_cli.jobs.states import JobPriority, JobState, JobStatus, OperatorStatus
from clara_cli.models.store import Model
from clara_cli.payloads.model import Payload, PayloadKind
from clara_cli.payloads.walk import Entry
from clara_cli.pipelines.store import PipelineRecord
from clara_cli.runtime.log_stream import Line
from clara_cli.runtime.namespace import Bind
from clara_cli.runtime.started import Started
from clara_cli.server.wire import commands_pb2 as wire

Record = TypeVar("Record")
Filled = TypeVar("Filled", bound=Message)


def _path(name: bytes) -> Any:
    from pathlib import Path

    return Path(os.fsdecode(name))


# What becomes of a record's fields that are not simply text, numbers, or names of files.
_FIELDS: dict[type[Any], dict[str, Callable[[Any], Any]]] = {
    PipelineRecord: {},
    Job: {"state": JobState, "status": JobStatus, "priority": JobPriority},
    OperatorRecord: {"status": OperatorStatus},
    JobMessage: {},
    Placed: {},
    Payload: {"kind": PayloadKind},
    Entry: {},
    Model: {},
    RegisteredImage: {"folder": _path, "interpreter": _path},
    Ended: {},
    Bind: {},
    # The text of a log is bytes in the core too.
    Line: {"text": bytes},
}


def fill(message: Filled, record: object) -> Filled:
    """Put a record's fields into a message that has fields of the same names; returns the message."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(record, field.name)
        if value is None:
            continue
        place = getattr(message, field.name)
        if isinstance(value, Mapping):
            place.extend(pairs(value))
        elif hasattr(place, "extend"):
            place.extend(_plain(item) for item in value)
        else:
            value = _plain(value)
            if field.type == field.TYPE_BYTES and isinstance(value, str):
                value = os.fsencode(value)
            elif isinstance(value, str):
                value = value.encode("utf-8", "backslashreplace").decode()
            setattr(message, field.name, value)
    return message


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, PurePath) else value


def read(message: Message, kind: type[Record]) -> Record:
    """The record of a kind that a message holds; a field that is not set is None.

    Raises:
        ValueError: an enumeration has a value that is not known here.
    """
    known = _FIELDS[kind]
    values: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if hasattr(value, "extend"):
            paired = field.message_type is not None
            values[field.name] = from_pairs(value) if paired else tuple(value)
        elif field.has_presence and not message.HasField(field.name):
            values[field.name] = None
        elif field.name in known:
            values[field.name] = known[field.name](value)
        else:
            values[field.name] = os.fsdecode(value) if isinstance(value, bytes) else value
    return kind(**values)


def pairs(values: Mapping[str, str | None]) -> list[wire.Pair]:
    """A mapping, in its order."""
    return [wire.Pair(key=key, value=value) for key, value in values.items()]


def from_pairs(found: Any) -> dict[str, Any]:
    """The inverse of `pairs`."""
    return {pair.key: pair.value if pair.HasField("value") else None for pair in found}


def process(name: str, started: Started) -> wire.Process:
    """What an operator's process was started with."""
    mounts = None
    if started.mounts is not None:
        mounts = wire.Mounts(mounts=[fill(wire.Mount(), bind) for bind in started.mounts])
    return wire.Process(
        operator=name,
        command=map(os.fsencode, started.command),
        folder=os.fsencode(started.folder),
        environment=[
            wire.EnvironmentVariable(name=os.fsencode(key), value=os.fsencode(value))
            for key, value in started.environment.items()
        ],
        mounts=mounts,
        without=started.without,
    )


def started(found: wire.Process) -> Started:
    """The inverse of `process`."""
    mounts = tuple(read(mount, Bind) for mount in found.mounts.mounts) if found.HasField("mounts") else None
    return Started(
        tuple(map(os.fsdecode, found.command)),
        os.fsdecode(found.folder),
        {os.fsdecode(item.name): os.fsdecode(item.value) for item in found.environment},
        mounts,
        found.without,
    )
