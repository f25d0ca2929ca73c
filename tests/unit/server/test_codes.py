"""Codes of errors: one for each failure, and every one written down."""

from __future__ import annotations

import re

import pytest
from support import REPOSITORY

from clara_cli.errors import ClaraError, DefinitionError, NotFound, StateConflict, StoreError, UsageError
from clara_cli.payloads.names import BadFileName
from clara_cli.payloads.receive import DiskFull
from clara_cli.server import codes


def used() -> set[int]:
    single = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)}
    tables = {code for table in codes.CODES.values() for code in table.values()}
    kinds = {code - step for code in codes.KINDS.values() for step in (0, 1)}
    return single | tables | kinds


def test_the_page_lists_every_code_and_no_other() -> None:
    (table,) = re.findall(r"## Codes of errors\n(.*)", (REPOSITORY / "docs" / "platform.md").read_text(), re.DOTALL)
    assert {int(text, 16) for text in re.findall(r"-0x[0-9a-f]{4}", table)} == used()


@pytest.mark.parametrize(
    ("error", "where", "code"),
    [
        (NotFound("x", kind="pipeline"), "Jobs.Create", -0x1001),
        (NotFound("x", kind="job"), "Jobs.Status", -0x2001),
        (NotFound("x", kind="file"), "Payloads.Download", -0x3101),
        (NotFound("x"), "Jobs.Status", codes.REFUSED),
        (StoreError("x"), "Pipelines.List", -0x1003),
        (StoreError("x"), "Pipelines.Details", codes.STORE),
        (StoreError("x"), "Jobs.Create", -0x2002),
        (DefinitionError("x"), "Pipelines.Update", -0x1101),
        (DefinitionError("x"), "Jobs.Start", -0x2205),
        (StateConflict("x"), "Jobs.Start", -0x2200),
        (UsageError("x"), "Payloads.AddMetadata", -0x3400),
        (BadFileName("x"), "Payloads.Upload", -0x3100),
        (DiskFull("x"), "Models.UploadModel", codes.DISK_FULL),
        (codes.Refusal(-77, "x"), "Jobs.Create", -77),
    ],
)
def test_the_code_of_an_error(error: ClaraError, where: str, code: int) -> None:
    assert codes.code_of(error, *where.split(".")) == code


def test_the_header_has_a_text_whatever_the_error_says() -> None:
    header = codes.header_of(ClaraError("\udcff is no text", "do this"), "Jobs", "Create")
    assert header.code == codes.REFUSED
    assert list(header.messages) == ["\\udcff is no text", "do this"]
