"""Connections between operators."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.pipelines.definition_texts import TYPED_HEAD, UNTYPED_HEAD, loaded, refused, said

from clara_cli.errors import DefinitionError
from clara_cli.pipelines.types import PRIMITIVES

A, B, C = (f"- name: {name}\n  container: {{image: i}}\n" for name in ("op-a", "op-b", "op-c"))


def pair(output: str, reader: str, head: str = TYPED_HEAD) -> str:
    return f"{head}{A}  output:\n  - {{{output}}}\n{B}  input:\n  - {{{reader}}}\n"


X = "name: x, type: "
READ = "from: op-a, name: x, type: "


@pytest.mark.parametrize(
    "output, reader, expected",
    [
        (X + "u8", "from: op-aa, name: x, type: u8", 'from: there is no operator "op-aa" | did you mean "op-a"?'),
        (X + "u8", "from: nothing, name: x, type: u8",
         'from: there is no operator "nothing" | operators are op-a, op-b'),
        (X + "u8", "from: op-B, name: x, type: u8", 'operator "op-b" reads its own output'),
        (X + "u8", "from: op-a, name: xx, type: u8",
         'name: operator "op-a" has no output "xx"; its outputs are x | did you mean "x"?'),
        (X + "u8", "from: op-a, type: u8",
         'input 1 of operator "op-b" does not say which output of operator "op-a" it reads'
         ' | add "name"; its outputs are x'),
        (X + "u8", "name: x, type: u8", 'input 1 of operator "op-b" is uint8 [1] and has no "from"'
         " | an input without from reads the files of the job, which are a stream"),
        (X + "f32", READ + "i32", "is int32 [1], but {} is float32 [1]"),
        (X + "stream, path: /o, element-type: a", READ + "f32", "is float32 [1], but {} is stream of a"),
        (X + "string", READ + "stream, path: /i, element-type: a", "is stream of a, but {} is string"),
        (X + "stream, path: /o, element-type: a", READ + "stream, path: /i, element-type: A",
         "is stream of A, but {} is stream of a"),
        (X + "array, element-type: u8, shape: [1, 2]", READ + "array, element-type: u8, shape: [1]",
         "is uint8 [1], but {} is uint8 [1, 2]"),
        (X + "array, element-type: u8, shape: [-1, 2]", READ + "array, element-type: u8, shape: [1, 3]",
         "is uint8 [1, 3], but {} is uint8 [-1, 2]"),
    ],
)  # fmt: skip
def test_messages(output, reader, expected):
    if expected.startswith("is "):
        both = 'output "x" of operator "op-a" (line 7)'
        expected = f'input 1 of operator "op-b" (line 11) {expected.format(both)}'
    key = {"f": "from: ", "n": "name: ", "o": "from: "}.get(expected[0])
    line = pair(output, reader).splitlines()[10]
    column = line.index(key) + len(key) + 1 if key else 5
    assert said(pair(output, reader)) == [f"11:{column}: {expected}"]


def test_untyped_names():
    assert said(pair("path: /o", "from: op-a, name: x, path: /i", UNTYPED_HEAD)) == [
        '11:24: name: operator "op-a" has no output "x"; its only output has no name; leave name out'
    ]
    assert said(UNTYPED_HEAD + A + B + "  input: [{from: op-a, path: /i}]\n") == [
        '8:18: from: operator "op-a" has no output'
    ]
    assert loaded(pair("path: /o, name: x", "from: op-a, path: /i", UNTYPED_HEAD))


def test_the_model_has_the_declared_spelling():
    pipeline = loaded(pair("path: /o, name: Mask", "from: OP-A, name: mASK, path: /i/", UNTYPED_HEAD)).pipeline
    (reader,) = pipeline.operators[1].inputs
    assert (reader.source, reader.name, reader.path) == ("op-a", "Mask", "/i")


def test_a_malformed_operator_is_still_an_operator():
    text = UNTYPED_HEAD + "- name: op-a\n  output: [{path: /o}]\n" + B + "  input: [{from: op-a, path: /i}]\n"
    assert said(text) == ['4:3: operator "op-a" has no "container"']
    text = UNTYPED_HEAD + "- nam: op-a\n  container: {image: i}\n" + B + "  input: [{from: op-a, path: /i}]\n"
    assert said(text) == [
        '4:3: operator 1 has no "name"',
        '4:3: unknown key "nam" is ignored | did you mean "name"?',
    ]
    text = UNTYPED_HEAD + A + "  output: /o\n" + B + "  input: [{from: op-a, name: x, path: /i}]\n"
    assert [line[:3] for line in said(text)] == ["6:1"]


def test_a_malformed_output_gives_no_second_message():
    assert [line[:3] for line in said(pair("name: x, type: u88", READ + "f32"))] == ["7:2"]
    assert [line[:3] for line in said(pair("name: 'x y', type: u8", READ + "u8"))] == ["7:1"]


def chain(*edges: tuple[str, str]) -> str:
    names = sorted({name for edge in edges for name in edge})
    parts = [UNTYPED_HEAD]
    for name in names:
        sources = [source for source, reader in edges if reader == name]
        items = ", ".join(f"{{from: {source}, path: /{number}}}" for number, source in enumerate(sources))
        parts.append(f"- {{name: {name}, container: {{image: i}}, output: [{{path: /o}}], input: [{items}]}}\n")
    return "".join(parts)


@pytest.mark.parametrize(
    "edges, expected",
    [
        ([("a", "b"), ("b", "a")], ["4:73: operators wait for each other: a → b → a"]),
        ([("a", "b"), ("b", "c"), ("c", "b")], ["5:94: operators wait for each other: b → c → b"]),
        (
            [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d")],
            ["4:73: operators wait for each other: a → b → c → a", "7:94: operators wait for each other: d → e → d"],
        ),
    ],
)
def test_cycles_are_spelled_in_order(edges, expected):
    assert said(chain(*edges)) == expected


def test_a_diamond_is_no_cycle():
    assert loaded(chain(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")))


sizes = st.lists(st.integers(-1, 4), min_size=1, max_size=4)
primitives = st.sampled_from(sorted(PRIMITIVES))


@given(sizes, sizes, primitives, primitives)
def test_arrays_agree_as_the_rule_says(writes, reads, element, other):
    ports = {"writes": (element, writes), "reads": (other, reads)}
    texts = {key: f"array, element-type: {kind}, shape: {json.dumps(shape)}" for key, (kind, shape) in ports.items()}
    text = pair(X + texts["writes"], READ + texts["reads"])
    agree = (
        PRIMITIVES[element] == PRIMITIVES[other]
        and len(writes) == len(reads)
        and not any(a > 0 and b > 0 and a != b for a, b in zip(writes, reads, strict=True))
    )
    if agree:
        reader = loaded(text).pipeline.operators[1].inputs[0]
        assert reader.fastio.shape == tuple(reads)
        assert reader.fastio.element_type == PRIMITIVES[other]
    else:
        (problem,) = refused(text).problems
        assert (problem.line, problem.column) == (11, 5)
        assert "(line 7)" in problem.message


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_exactly_graphs_without_cycles_are_accepted(pairs):
    edges = sorted({(f"n{a}", f"n{b}") for a, b in pairs if a != b}) or [("n0", "n1")]
    left = {name for edge in edges for name in edge}
    while free := {name for name in left if not any(b == name and a in left for a, b in edges)}:
        left -= free
    try:
        loaded(chain(*edges))
        assert not left
    except DefinitionError as error:
        assert left
        for problem in error.problems:
            names = problem.message.split(": ")[1].split(" → ")
            assert names[0] == names[-1]
            assert set(pairwise(names)) <= set(edges)
