"""The types of FastIO variables in their normal form, and when two of them agree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clara_cli.pipelines.model import FastIOType

# Both spellings of each primitive → numpy's name.
PRIMITIVES = {
    "u8": "uint8",
    "u16": "uint16",
    "u32": "uint32",
    "u64": "uint64",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
}
PRIMITIVES |= {name: name for name in PRIMITIVES.values()}


def fastio_type(kind: str, element_type: str | None, shape: Iterable[int] | None) -> FastIOType | None:
    """The normal form of what a definition says.

    Args:
        kind: the key `type`: `array`, `string` or a primitive.
        element_type: the key `element-type`, of arrays only.
        shape: the key `shape`, of arrays only.

    Returns:
        None for a stream, and for anything that is no type.
    """
    if kind == "string":
        return FastIOType("uint8", (-1,), string=True)
    if kind in PRIMITIVES:
        return FastIOType(PRIMITIVES[kind], (1,))
    if kind == "array" and element_type in PRIMITIVES and shape is not None:
        return FastIOType(PRIMITIVES[element_type], tuple(int(size) for size in shape))
    return None


def kind_of(kind: FastIOType) -> dict[str, Any]:
    """The keys that a definition says a type with; the inverse of `fastio_type`."""
    if kind.string:
        return {"type": "string"}
    return {"type": "array", "element-type": kind.element_type, "shape": list(kind.shape)}


def agree(output: FastIOType, reader: FastIOType) -> bool:
    """Whether an input may read an output: one element type, one rank, no two fixed sizes that differ.

    A size that is set at run time agrees with every size; the producer's choice is checked when it is made.
    """
    return (
        output.element_type == reader.element_type
        and len(output.shape) == len(reader.shape)
        and all(a == b or a <= 0 or b <= 0 for a, b in zip(output.shape, reader.shape, strict=True))
    )


def describe(kind: FastIOType | str | None) -> str:
    """A type in words: `float32 [1, -1]`, `string`, `stream of nifti`."""
    if isinstance(kind, FastIOType):
        return "string" if kind.string else f"{kind.element_type} {list(kind.shape)}"
    return f"stream of {kind}" if kind else "stream"
