"""What placeholders stand for: values given, defaults of parameters, the job's own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

# Filled from the job itself, unless a parameter of the same name has a value.
JOB_NAMES = ("JOB_ID", "JOB_NAME", "PAYLOAD_ID", "PIPELINE_ID")


class Open(Enum):
    """Why there is no text: it comes when a job starts, or a parameter has neither value nor default."""

    LATER = "later"
    UNSET = "unset"


Filling = str | Open


@dataclass(frozen=True)
class Values:
    """What is known when a definition is read.

    Attributes:
        given: parameter → value, as the user spelled the names.
        job: the job's own names → values; None while there is no job.
        complete: whether every parameter has to have a value by now.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    job: Mapping[str, str] | None = None
    complete: bool = False

    def outermost(self) -> Scope:
        """The scope of the job's own names."""
        own: dict[str, Filling] = dict.fromkeys(JOB_NAMES, Open.LATER)
        return Scope({**own, **(self.job or {})}, None)


class Scope:
    """Names and what they stand for; upper and lower case count as the same.

    Args:
        own: what the names of this scope stand for, spelled as declared.
        outer: where other names, and those without a value, are looked up.
    """

    def __init__(self, own: Mapping[str, Filling], outer: Scope | None) -> None:
        self._own = {name.casefold(): value for name, value in own.items()}
        self._outer = outer
        # All known names, the nearest first.
        self.names: tuple[str, ...] = tuple(dict.fromkeys((*own, *(outer.names if outer else ()))))

    def find(self, name: str) -> Filling | None:
        """What a name stands for; None when nobody knows it."""
        value = self._own.get(name.casefold())
        if self._outer is None or not (value is None or value is Open.UNSET):
            return value
        outer = self._outer.find(name)
        return value if outer is None else outer
