"""The schema's errors in words."""

from __future__ import annotations

import pytest
from unit.pipelines.definition_texts import HELLO, TYPED_HEAD, UNTYPED_HEAD, WALKTHROUGH, said

TYPES = "expected one of stream, array, string or a primitive such as float32"
PRIMITIVES = "expected one of uint8 to uint64, int8 to int64, float16, float32, float64"
NAME = 'expected a name of 1 to 255 Latin letters, digits, "-" and "_"'
VERSIONS = "expected one of 0.2.0, 0.3.0, 0.4.0, 0.5.0, 0.6.0, 0.7.0"
SHELL = "- name: a\n  container: {image: i}\n"
OLD = "typed inputs and outputs need api-version 0.5.0 or later"


def one_input(item: str) -> str:
    return f"{TYPED_HEAD}{SHELL}  input:\n  - {{{item}}}\n"


@pytest.mark.parametrize(
    "text, expected",
    [
        (WALKTHROUGH.replace("type: array", "type: arry", 1),
         [f'16:11: type: found "arry", {TYPES} | did you mean "array"?']),
        (one_input("type: array, element-type: flaot32, shape: [1], from: a"),
         [f'7:33: element-type: found "flaot32", {PRIMITIVES} | did you mean "float32"?',
          '7:60: operator "a" reads its own output']),
        (one_input("path: /in"), ['7:5: input 1 of operator "a" has no "type" | from api-version 0.5.0 on '
                                  "every input and output has a type, such as stream or array"]),
        (one_input("type: stream"), [
            '7:5: input 1 of operator "a" has no "element-type" | a stream has a path and an element-type',
            '7:5: input 1 of operator "a" has no "path" | a stream has a path and an element-type']),
        (one_input("path: /in, type: stream, element-type: x, shape: [1]"),
         ["7:48: shape: a stream has no shape; only an array has"]),
        (one_input("path: in, type: stream, element-type: x"),
         ['7:12: path: found "in", expected an absolute path, such as /input']),
        (one_input("type: [array]"), [f"7:12: type: found a list, {TYPES}"]),
        (one_input("type: "), [f"7:6: type: found nothing, {TYPES}"]),
        ("api-version: 0.4.0\nname: a b\n", [
            f'2:7: name: found "a b", {NAME}', '1:1: the pipeline has no "operators"']),
        (UNTYPED_HEAD + SHELL + "  input:\n  - {path: /i, type: array, element-type: u8, shape: [1]}\n",
         [f"7:16: type: {OLD}"]),
        (UNTYPED_HEAD + SHELL + "  input:\n  - {type: u8}\n  - {name: x}\n",
         [f"7:6: type: {OLD}", '8:5: input 2 of operator "a" has no "path" | '
          "up to api-version 0.4.x every input and output is a folder with a path"]),
        ("name: p\noperators:\n- container: {}\n- b\n- name: c\n",
         ['3:3: operator 1 has no "name"', '3:14: container of operator 1 has no "image"',
          '4:3: operators: found "b", expected a mapping', '5:3: operator "c" has no "container"']),
        ("name: p\noperators: []\n",
         ["2:12: operators: found an empty list, expected a list of one or more operators"]),
        (HELLO.replace("[cowsay, hello]", "cowsay"),
         ['5:48: command: found "cowsay", expected a list with one item for the program and each argument'
          " | write a list: one item on each line, after a hyphen"]),
        (HELLO + "  variables: {A=B: 1, C: [1]}\n",
         [f'6:15: name of a value: found "A=B", {NAME}',
          "6:26: C: found a list, expected a single value, which becomes an environment variable"]),
        (HELLO + "  requests: {cpu: 0, gpu: many}\n",
         ["6:19: cpu: found 0, expected a whole number from 1 to 2147483647",
          '6:27: gpu: found "many", expected a whole number from 0 to 2147483647']),
        (HELLO + "  description: []\n",
         ["6:16: description: found an empty list, expected a single value"]),
        (HELLO.replace("0.3.0", "0.10.0"),
         [f'1:14: api-version: found "0.10.0", {VERSIONS} | 0.10.0 is later than all versions known here']),
        (HELLO.replace("0.3.0", "0.1.9"),
         [f'1:14: api-version: found "0.1.9", {VERSIONS} | 0.1.9 is earlier than all versions known here']),
        (HELLO.replace("0.3.0", "new"), [f'1:14: api-version: found "new", {VERSIONS}']),
        (HELLO.replace("name: whale", 'name: "whale\\n"'), [f'4:9: name: found "whale\\n", {NAME}']),
        # A wrong version says nothing about the rest: neither that types are missing nor that they are too many.
        (WALKTHROUGH.replace("0.5.0", "0.8.0"),
         [f'1:14: api-version: found "0.8.0", {VERSIONS} | 0.8.0 is later than all versions known here']),
    ],
)  # fmt: skip
def test_messages(text, expected):
    assert said(text) == sorted(expected, key=lambda line: [int(part) for part in line.split(":")[:2]])


def test_a_fault_behind_an_alias_is_told_once():
    text = UNTYPED_HEAD + "- name: a\n  container: &c {image: ''}\n- {name: b, container: *c}\n"
    assert said(text) == ['5:25: image: found "", expected at least one character']
