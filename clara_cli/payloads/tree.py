"""The folder layout of one payload.

    <root>/payloads/<payload id>/input/                          what was uploaded
    <root>/payloads/<payload id>/operators/<operator>/           an operator's unnamed output
    <root>/payloads/<payload id>/operators/<operator>/<output>/  a named output

An input without `from` sees `input`; `from: X` sees X's folder; with `name: N` X's sub-folder N.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from clara_cli.filename import file_name
from clara_cli.pipelines.model import Input, Output
from clara_cli.root import Root


class PayloadTree(NamedTuple):
    """The places of one payload; `path` is its top folder."""

    path: Path

    @property
    def input(self) -> Path:
        return self.path / "input"

    @property
    def operators(self) -> Path:
        return self.path / "operators"

    def input_folder(self, item: Input) -> Path:
        """The folder that stands behind a stream input."""
        if item.source is None:
            return self.input
        return self.output_place(item.source, item.name)

    def output_folder(self, operator: str, item: Output) -> Path:
        """The folder that stands behind a stream output."""
        return self.output_place(operator, item.name)

    def output_place(self, operator: str, output: str) -> Path:
        """The folder of an operator's output; of all that it writes, where the output has no name."""
        return self.operators / file_name(operator) / file_name(output)


def payload_tree(root: Root, payload_id: str) -> PayloadTree:
    """The tree of a payload; its folder need not exist yet."""
    return PayloadTree(root.payloads / payload_id)
