"""Keys that mean nothing are warned about, never refused."""

from __future__ import annotations

import pytest
from unit.pipelines.definition_texts import HELLO, TYPED_HEAD, VALID, said, warned


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_known_keys_give_no_warning(text):
    assert warned(text) == []


@pytest.mark.parametrize(
    "text, expected",
    [
        (HELLO + "orchestratr: Clara\n", '6:1: unknown key "orchestratr" is ignored | did you mean "orchestrator"?'),
        (HELLO + "x-anchors: {a: {b: 1}}\n", '6:1: unknown key "x-anchors" is ignored'),
        (HELLO + "  ouput: []\n", '6:3: unknown key "ouput" is ignored | did you mean "output"?'),
        (HELLO + "  requests: {cpus: 1}\n", '6:14: unknown key "cpus" is ignored | did you mean "cpu"?'),
        (HELLO + "  input: [{path: /in, form: whale}]\n",
         '6:23: unknown key "form" is ignored | did you mean "from"?'),
        (HELLO.replace("image:", "hostVolumePath: /x, image:"),
         '5:15: key "hostVolumePath" has no effect: operators see the folders of the job only'),
        (TYPED_HEAD + "- name: a\n  container: {image: i}\n"
         "  input: [{path: /in, type: stream, format: dicom}]\n",
         '6:37: key "format" is an early spelling; write element-type'),
    ],
)  # fmt: skip
def test_warnings(text, expected):
    assert warned(text) == [expected]


def test_names_of_variables_are_no_keys():
    assert warned(HELLO + "  variables: {nmae: 1}\n") == []


def test_a_misspelled_required_key_gives_error_and_hint():
    assert said("name: p\noperatros: []\n") == [
        '1:1: the pipeline has no "operators"',
        '2:1: unknown key "operatros" is ignored | did you mean "operators"?',
    ]
