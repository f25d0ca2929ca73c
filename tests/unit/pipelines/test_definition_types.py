"""Types, versions and names by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from clara_cli.pipelines import versions
from clara_cli.pipelines.model import FastIOType
from clara_cli.pipelines.nearest import MAX_LOOKUPS, Nearest, listing
from clara_cli.pipelines.types import PRIMITIVES, agree, describe, fastio_type


def test_both_spellings_of_the_eleven_primitives():
    assert len(PRIMITIVES) == 22
    assert len(set(PRIMITIVES.values())) == 11
    for name in PRIMITIVES.values():
        assert np.dtype(name).name == name


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("string", None, None), FastIOType("uint8", (-1,), string=True)),
        (("f16", None, None), FastIOType("float16", (1,))),
        (("array", "i8", [1, 0]), FastIOType("int8", (1, 0))),
        (("array", "dicom", [1]), None),
        (("array", "u8", None), None),
        (("stream", "dicom", None), None),
        (("float", None, None), None),
    ],
)
def test_normal_forms(arguments, expected):
    assert fastio_type(*arguments) == expected


def test_the_same_in_other_words_agrees():
    assert agree(FastIOType("uint8", (-1,), string=True), FastIOType("uint8", (-1,)))
    assert agree(FastIOType("float32", (1,)), FastIOType("float32", (1,)))
    assert agree(FastIOType("float32", (0, 2)), FastIOType("float32", (-1, 2)))


def test_words():
    assert describe(FastIOType("float32", (1, -1))) == "float32 [1, -1]"
    assert describe(FastIOType("uint8", (-1,), string=True)) == "string"
    assert (describe("dicom"), describe(None)) == ("stream of dicom", "stream")


def test_versions_are_compared_as_numbers():
    assert versions.parse("0.10.0") > versions.parse("0.9.0")
    assert versions.parse("0.5") == (0, 5)
    assert versions.parse("0.5.0.1") is versions.parse("9" * 5000) is versions.parse("") is None


def test_suggestions_have_a_budget():
    nearest = Nearest()
    assert nearest.hint("Segmentaton", ["segmentation", "other"]) == 'did you mean "segmentation"?'
    assert nearest.hint("x" * 300, ["x" * 299]) is None
    for _ in range(MAX_LOOKUPS):
        nearest.hint("a", [])
    assert nearest.hint("a", ["a"]) is None


def test_long_listings_are_cut():
    assert listing([f"n{number}" for number in range(13)]).endswith("n9 and 3 more")
