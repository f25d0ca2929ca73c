"""The rules for sizes of FastIO variables; no memory here."""

from __future__ import annotations

import operator
from typing import Any, Iterable, Sequence

from clara.errors import InvalidValue, WrongType


def dynamic_indices(declared: Sequence[int]) -> list[int]:
    """Positions whose size the producer sets: those declared as -1 or 0."""
    return [index for index, size in enumerate(declared) if size <= 0]


def element_count(shape: Iterable[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def sizes(arguments: Sequence[Any]) -> list[int]:
    """Sizes given as one sequence or as separate numbers.

    Raises
    ------
    clara.Error (a TypeError)
        Something is not an integer.
    """
    items = arguments[0] if len(arguments) == 1 and hasattr(arguments[0], "__iter__") else arguments
    return [_size(item) for item in items]


def _size(item: Any) -> int:
    if isinstance(item, bool):
        raise WrongType("a size must be an integer, not {!r}".format(item))
    try:
        return operator.index(item)
    except TypeError:
        raise WrongType("a size must be an integer, not {!r}".format(item)) from None


def updated(name: str, declared: Sequence[int], new: Sequence[int], smallest: int = 1) -> list[int]:
    """The new shape, if it only changes what may change.

    Parameters
    ----------
    name : str
        The variable, for messages.
    declared : sequence of int
        Shape in the definition; -1 or 0 where dynamic.
    new : sequence of int
        Complete new shape.
    smallest : int
        The least size a dynamic dimension may get.

    Raises
    ------
    clara.Error (a ValueError)
        Wrong number of dimensions, another size in a fixed dimension, or a size below `smallest`.
    """
    if len(new) != len(declared):
        raise InvalidValue(
            "{}: shape {} has {} dimensions, declared is {}".format(name, list(new), len(new), list(declared))
        )
    for index, size in enumerate(new):
        fixed = declared[index]
        if fixed > 0 and size != fixed:
            raise InvalidValue("{}: dimension {} is fixed at {} and cannot become {}".format(name, index, fixed, size))
        if size < smallest:
            raise InvalidValue("{}: dimension {} cannot have the size {}".format(name, index, size))
    return list(new)
