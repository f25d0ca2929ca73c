"""From bytes to a positioned tree."""

from __future__ import annotations

import pytest
from unit.pipelines.definition_texts import HELLO, UNTYPED, WALKTHROUGH, loaded, refused, said

from clara_cli.errors import DefinitionError
from clara_cli.pipelines import compose, source
from clara_cli.pipelines.document import read_document


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(codec, end):
    content = WALKTHROUGH.replace("Compares", "Vergleicht für").replace("\n", end).encode(codec)
    pipeline = loaded(content).pipeline
    assert pipeline.operators[2].description == "Vergleicht für both."


@pytest.mark.parametrize(
    "content, expected",
    [
        (b"name: x\nop: \xff\n", "2:5: byte 0xff is not UTF-8 text | save the file as UTF-8"),
        (b"\xef\xbb\xbfname: x\nop\xff", "2:3: byte 0xff is not UTF-8 text | save the file as UTF-8"),
        (b"\xff", "1:1: byte 0xff is not UTF-8 text | save the file as UTF-8"),
        ("\ufeffa: b".encode("utf-16-le") + b"c", "1:5: byte 0x63 is not UTF-16 text | save the file as UTF-8"),
        (b"a: \x07", "1:4: control character U+0007 is not allowed in YAML | remove it"),
        (
            "a: b".encode("utf-16-le"),
            "1:2: control character U+0000 is not allowed in YAML | "
            "this looks like UTF-16 without a byte order mark, or a binary file; save it as UTF-8",
        ),
    ],
)
def test_bytes_that_are_no_text(content, expected):
    assert said(content) == [expected]


EMPTY = "the document is empty | a pipeline has at least a name and operators"
COLON = (
    'a ":" that starts no value | a new key needs its own line, in the column of its neighbours; '
    'a text that holds ": " needs quotes'
)
FLAT = "the document seems to have lost its line breaks; put each key on a line of its own"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", f"1:1: {EMPTY}"),
        ("# nothing\n\n", f"1:1: {EMPTY}"),
        ("---\n", f"1:1: {EMPTY}"),
        ("- a\n", "1:1: found a list, expected a mapping with keys such as name and operators"),
        ("\n  text\n", "2:3: found a single text, expected a mapping with keys such as name and operators"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document starts here; a definition file holds one"),
        ("a: b: c\n", f"1:5: {COLON}"),
        ("a:\n\tb: 1\n", "2:1: a tab is not allowed in the indentation | indent with blanks"),
        ("a: @x\n", '1:4: a value cannot start with "@" | quote the text'),
        ("a: 'x\n", "1:6: the file ends inside a quoted text (inside what starts in line 1) | close the quotes"),
        ("a: [1, 2\nb: 3\n", '2:2: a list in brackets lacks "," or "]" (inside what starts in line 1)'),
        (
            "a: 1\nb:\n - x\n  - y\n- z\n",
            "5:1: the indentation does not fit (inside what starts in line 1)"
             " | keys of one mapping start in the same column",
        ),
        ('a: "\\q"\n', '1:5: an unknown "\\" sequence in double quotes | '
         'write "\\\\" for a backslash, or use single quotes'),
        ("a: *x\n", "1:4: alias *x names no anchor; &x has to come before it"),
        ("a: &x [*x]\n", "1:8: alias *x stands inside of what it names, which has no end"),
        (" ".join(WALKTHROUGH.split()), f'1:32: a ":" that starts no value | {FLAT}'),
        (" ".join(UNTYPED.split()), f"1:1: the document is empty | {FLAT}"),
    ],
)  # fmt: skip
def test_documents_that_are_no_mapping(text, expected):
    assert said(text) == [expected]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("name: a\nname: b\n", '2:1: key "name" stands twice in one mapping, first in line 1'),
        ("x: !foo bar\n", '1:4: tag "!foo" is unknown here | quote the text if it is meant as one'),
        ("x: !!python/name:os.system\n", '1:4: tag "tag:yaml.org,2002:python/name:os.system" is unknown here'
         " | quote the text if it is meant as one"),
        ("x: !!set {a}\n", '1:4: tag "tag:yaml.org,2002:set" is unknown here | quote the text if it is meant as one'),
        ("? [a]\n: 1\n", "1:3: a key has to be a text, this is a list"),
        ("? {a: 1}\n: 1\n", "1:3: a key has to be a text, this is a mapping"),
        ("x: 1\n<<: [1]\n", '2:6: "<<" takes over the keys of a mapping or of a list of mappings'),
        ('x: "a\\0b"\n', "1:4: the text holds a NUL or half a character, which no program can be given"),
    ],
)  # fmt: skip
def test_faults_that_do_not_hide_the_rest(text, expected):
    messages = said(text)
    assert expected in messages
    assert any('the pipeline has no "operators"' in message for message in messages)


def test_tabs_where_they_mean_nothing():
    text = HELLO.replace("name: hello", "name: hello\t# with a tab\n\t\n \t# another\nx: 'a\tb'")
    document = read_document("p.yaml", text.encode())
    assert document.value["name"] == "hello"
    assert document.value["x"] == "a\tb"
    assert document.place(("operators",), key=True) == (6, 1)


def test_blanks_at_line_ends_and_blank_lines():
    assert loaded(WALKTHROUGH.replace("\n", "  \n\n")).pipeline == loaded(WALKTHROUGH).pipeline


def test_places_of_keys_and_values():
    document = read_document("p.yaml", WALKTHROUGH.encode())
    path = ("operators", 1, "input", 0, "shape", 1)
    assert document.place(path) == (33, 16)
    assert document.place(path[:-1], key=True) == (33, 5)
    assert document.place(("operators", 1, "nothing", "here")) == (23, 3)


def test_texts_are_kept_and_other_values_resolved():
    text = (
        "api-version: 0.10\nname: 010\ntag: 18.04\nx: 010\ny: on\nz: 2020-01-01\nn: ~\nf: 1e3\ng: 0b_\n"
        "q: '1'\nt: !!str 1\nbang: ! 1\nvariables: {A: 0x10, B: null, C: {D: 1.0}}\nargs: [1.0]\n"
        f"big: {'9' * 5000}\n"
    )
    value = read_document("p.yaml", text.encode()).value
    assert value == {
        "api-version": "0.10",
        "name": "010",
        "tag": "18.04",
        "x": 8,
        "y": True,
        "z": "2020-01-01",
        "n": None,
        "f": "1e3",
        "g": "0b_",
        "q": "1",
        "t": "1",
        "bang": "1",
        "variables": {"A": "0x10", "B": None, "C": {"D": "1.0"}},
        "args": ["1.0"],
        "big": "9" * 5000,
    }


def test_anchors_aliases_and_merge_keys():
    text = (
        "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nlist: [*base, *more]\n"
        "merged:\n  b: own\n  <<: [*base, *more]\n  c: later\nquoted: {'<<': 1}\n"
    )
    document = read_document("p.yaml", text.encode())
    assert document.value["merged"] == {"a": 1, "b": "own", "c": "later"}
    assert document.value["list"] == [{"a": 1, "b": 2}, {"b": 3, "c": 4}]
    assert document.value["quoted"] == {"<<": 1}
    assert document.problems == ()
    # An alias has its own place; what is in it, that of the anchor.
    assert document.place(("list", 1)) == (3, 15)
    assert document.place(("list", 1, "c")) == (2, 23)


def test_alias_bombs_are_refused_by_count(monkeypatch):
    monkeypatch.setattr(compose, "MAX_NODES", 1000)
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
    assert said(text + "c: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n") == [
        "3:33: the document has more than 1000 values, counting what aliases stand for"
    ]
    # A long text repeated, and a large mapping merged again and again, are bombs too.
    many = "c: &c " + "x" * 20_000 + "\nd: [" + "*c, " * 60 + "]\n"
    assert "more than 1000 values" in said(many)[0]
    keys = ", ".join(f"k{number}: 1" for number in range(100))
    merges = f"c: &c {{{keys}}}\n" + "".join(f"m{number}: {{<<: *c}}\n" for number in range(10))
    assert "more than 1000 values" in said(merges)[0]


@pytest.mark.parametrize("piece", ["{a: ", "- ", "[ "])
def test_deep_nesting_is_refused(piece):
    assert said(piece * 2000)[0].split(": ", 1)[1] in (
        "the document is nested more than 100 levels deep",
        "the document is nested too deep",
    )


def test_deep_nesting_through_aliases_is_refused():
    lines = ["a0: &a0 [x]"] + [f"a{level}: &a{level} [[[[[[[[[[*a{level - 1}]]]]]]]]]]" for level in range(1, 12)]
    assert said("\n".join(lines))[0] == "11:21: the document is nested more than 100 levels deep"


def test_a_document_over_the_size_bound_is_refused():
    with pytest.raises(DefinitionError) as caught:
        read_document("p.yaml", b"#" * (source.MAX_BYTES + 1))
    assert caught.value.message == (
        "p.yaml: the file is too large: a definition has at most 16777216 bytes\n        is this a pipeline definition?"
    )


def test_places_are_inside_the_file_and_excerpts_short():
    problem = refused("x: " + "y" * 1000 + ": z").problems[0]
    assert (problem.line, problem.column) == (1, 1004)
    assert problem.excerpt is None
    problem = refused("a: {\n\n\n").problems[0]
    assert problem.line <= 3
