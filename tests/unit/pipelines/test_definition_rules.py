"""Rules that no schema can say."""

from __future__ import annotations

import pytest
from unit.pipelines.definition_texts import HELLO, TYPED_HEAD, UNTYPED_HEAD, WALKTHROUGH, loaded, said

SHELL = "- name: {}\n  container: {{image: i}}\n"
A, B = SHELL.format("a"), SHELL.format("b")
OWN = "each input and output needs a folder of its own"
PATH = "expected an absolute path such as /input, without .."


@pytest.mark.parametrize(
    "text, expected",
    [
        (UNTYPED_HEAD + A + A, '6:9: a second operator "a"; the first stands in line 4'),
        (UNTYPED_HEAD + A + SHELL.format("A"),
         '6:9: a second operator "A"; the first stands in line 4 | upper and lower case count as the same'),
        (UNTYPED_HEAD + A + "  output: [{path: /a, name: x}, {path: /b, name: X}]\n",
         '6:50: a second output "X" of operator "a"; the first stands in line 6'),
        (UNTYPED_HEAD + A + "  output:\n  - {path: /a, name: x}\n  - path: /b\n",
         '8:5: operator "a" has 2 outputs, and this one has no name | several outputs need names'),
        (UNTYPED_HEAD + A + "  input: [{path: /x}]\n  output: [{path: /x/}]\n",
         f'7:19: path: "/x" stands twice in operator "a", first in line 6 | {OWN}'),
        (UNTYPED_HEAD + A + "  input: [{path: /x/./y}, {path: //x/y}]\n",
         f'6:34: path: "/x/y" stands twice in operator "a", first in line 6 | {OWN}'),
        (UNTYPED_HEAD + A + "  input: [{path: /}]\n", f'6:18: path: "/" is not a folder of its own | {PATH}'),
        (UNTYPED_HEAD + A + "  input: [{path: /a/../b}]\n",
         f'6:18: path: "/a/../b" is not a folder of its own | {PATH}'),
        (WALKTHROUGH.replace("Clara", "argo"),
         "2:15: Argo runs pipelines without types only, and api-version 0.5.0 (line 1) has types"
         " | write Clara, or leave the key out"),
        (TYPED_HEAD + A + "  output: [{name: , type: u8}]\n",
         "6:13: name: an output needs a name from api-version 0.5.0 on"),
    ],
)  # fmt: skip
def test_messages(text, expected):
    assert said(text) == [expected]


def test_several_inputs_without_names_are_fine():
    assert loaded(UNTYPED_HEAD + A + "  input: [{path: /a}, {path: /b}, {path: /..c, name: null}]\n")


@pytest.mark.parametrize(
    "version, orchestrator, expected",
    [("0.3.0", "", "Argo"), ("0.4.0", "", "Clara"), ("0.7.0", "", "Clara"), ("0.4.0", "ARGO", "Argo")],
)
def test_the_orchestrator(version, orchestrator, expected):
    text = HELLO.replace("0.3.0", version) + (f"orchestrator: {orchestrator}\n" if orchestrator else "")
    assert loaded(text).pipeline.orchestrator == expected


def test_an_import_that_failed_hides_neither_names_nor_outputs():
    text = UNTYPED_HEAD + "- import: {path: x.yaml}\n" + B + "  input: [{from: x, path: /in}]\n"
    assert said(text) == ["4:18: import: there is no file x.yaml | the path is relative to the file that imports"]
