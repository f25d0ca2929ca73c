"""Patterns on a list of files choose what they choose on a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.errors import ClaraError, NotFound
from clara_cli.payloads.download import plan, select
from clara_cli.payloads.pattern import parse_pattern
from clara_cli.payloads.tree import PayloadTree
from clara_cli.payloads.walk import walk
from clara_cli.remote.selection import choose

NAMES = (
    "input/a.txt",
    "input/A.TXT",
    "operators/op/x.csv",
    "operators/op/sub/y.csv",
    "operators/Two/z",
    "operators/op/s",
)
PATTERNS = (
    "/operators/op/*",
    "/operators/op/*.csv",
    "/operators/op/**/*.csv",
    "operators/op",
    "operators/op/",
    "./operators/OP/x.csv",
    "/operators/two/*",
    "/input/a.txt",
    "/input/?.txt",
    "/input/[aA].*",
    "/*",
    "/",
    "/none",
    "/operators/op/none/*",
    "/operators/op/x.csv/*",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> PayloadTree:
    top = tmp_path_factory.mktemp("payload")
    for name in NAMES:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    return PayloadTree(top)


def both(tree: PayloadTree, text: str, destination: str) -> tuple[object, object]:
    """What is chosen on the folder, and from the list of its files, with the places of the files."""
    pattern = parse_pattern(text)

    def on_folder() -> object:
        selection = select(tree, pattern)
        where = selection.folder.relative_to(tree.path).as_posix()
        return where, selection.single, set(plan(selection, destination, clobber=True).places)

    def on_list() -> object:
        selection = choose(tree.path.name, list(walk(tree.path)), pattern)
        where = selection.folder.relative_to(selection.tree.path).as_posix()
        return where, selection.single, set(plan(selection, destination, clobber=True).places)

    found: list[object] = []
    for way in (on_folder, on_list):
        try:
            found.append(way())
        except ClaraError as error:
            found.append(type(error))
    return found[0], found[1]


@pytest.mark.parametrize("text", PATTERNS)
@pytest.mark.parametrize("destination", ["out", "out/"])
def test_the_same_files_in_the_same_places(tree: PayloadTree, tmp_path: Path, text: str, destination: str) -> None:
    here, there = both(tree, text, f"{tmp_path}/{destination}")
    assert here == there


@given(
    text=st.lists(st.sampled_from(["*", "**", "?", "op", "OP", "sub", "input", "operators", "x.csv", "[a-z]*", "."]))
)
def test_any_pattern(tree: PayloadTree, text: list[str]) -> None:
    here, there = both(tree, f"/{'/'.join(text)}", "/nowhere/out")
    assert here == there


def test_what_is_said_where_nothing_matches(tree: PayloadTree) -> None:
    with pytest.raises(
        NotFound, match=r"nothing in the payload matches /operators/op/\*.npz; /operators/op holds s, sub, x.csv"
    ):
        choose("id", list(walk(tree.path)), parse_pattern("/operators/op/*.npz"))
    with pytest.raises(NotFound, match="/ holds no files"):
        choose("id", [], parse_pattern("/input/*"))
