"""Element types and kinds of access, and every spelling of them that is accepted."""

from __future__ import annotations

import enum
from typing import Any

from clara.errors import WrongType


class FastIOType(str, enum.Enum):
    """The eleven element types; each member is also the plain string that numpy calls its dtype.

    `FastIOType("f32")`, `FastIOType(numpy.float32)` and `FastIOType(numpy.dtype("<f4"))` are `FLOAT32`.
    """

    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    def __str__(self) -> str:
        return self._value_

    def __format__(self, spec: str) -> str:
        return format(self._value_, spec)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return int("".join(filter(str.isdigit, self._value_))) // 8

    @classmethod
    def _missing_(cls, value: object) -> FastIOType | None:
        name = _type_name(value)
        return cls(name) if name in cls._value2member_map_ else None


_LETTERS = {"u": "uint", "i": "int", "f": "float"}


def _type_name(value: object) -> str | None:
    # a numpy dtype has a name; a scalar type such as numpy.float32 is called like its dtype
    name = value if isinstance(value, str) else getattr(value, "name", getattr(value, "__name__", None))
    if not isinstance(name, str):
        return None
    name = name.lower()
    if name[1:].isdigit():
        name = _LETTERS.get(name[0], "?") + name[1:]
    # a dtype compares equal to its name, hence the look at the kind of value
    return None if isinstance(value, str) and name == value else name


class FastIOAccess(enum.IntFlag):
    """How memory may be used."""

    READ = 1
    WRITE = 2
    READ_WRITE = 3


_ACCESS = {
    "r": FastIOAccess.READ,
    "read": FastIOAccess.READ,
    "readonly": FastIOAccess.READ,
    "w": FastIOAccess.WRITE,
    "write": FastIOAccess.WRITE,
    "rw": FastIOAccess.READ_WRITE,
    "r+": FastIOAccess.READ_WRITE,
    "readwrite": FastIOAccess.READ_WRITE,
}


def element_type(value: Any) -> FastIOType:
    """The element type meant by a member, a name such as `f32`, a numpy dtype or a numpy scalar type."""
    try:
        return FastIOType(value)
    except ValueError:
        known = ", ".join(member.value for member in FastIOType)
        raise WrongType("{!r} is not an element type; known are {}".format(value, known)) from None


def access(value: Any) -> FastIOAccess:
    """The access meant by a member, its number, or a text such as `read` or `read/write`."""
    try:
        if isinstance(value, str):
            return _ACCESS["".join(c for c in value.lower() if c not in "-_/ ")]
        found = FastIOAccess(value)
    except (KeyError, ValueError, TypeError):
        found = FastIOAccess(0)
    if found not in (FastIOAccess.READ, FastIOAccess.WRITE, FastIOAccess.READ_WRITE):
        raise WrongType("{!r} is not a kind of access; known are read, write, read_write".format(value))
    return found
