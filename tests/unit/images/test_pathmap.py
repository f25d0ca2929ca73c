"""Replacing container paths in text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.images.pathmap import PathMap

MAP = PathMap({"/app": "/real/app", "/app/in": "/real/in", "/input": "/real/input", "/output/": Path("/real/out")})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/app", "/real/app"),
        ("/app/", "/real/app/"),
        ("/app/main.py", "/real/app/main.py"),
        ("/app/in/a.nii", "/real/in/a.nii"),
        ("/app/inner", "/real/app/inner"),
        ("/app2", "/app2"),
        ("/app.py", "/app.py"),
        ("/app-data/x", "/app-data/x"),
        ("x/app", "x/app"),
        ("./app", "./app"),
        ("../app", "../app"),
        ("//app", "//app"),
        ("$HOME/app", "$HOME/app"),
        ("${HOME}/app", "${HOME}/app"),
        ("$(pwd)/app", "$(pwd)/app"),
        ("~/app", "~/app"),
        ("*/app", "*/app"),
        ("name:/input;:/output", "name:/real/input;:/real/out"),
        ("--data=/input", "--data=/real/input"),
        ("cp -r /input/. /output/", "cp -r /real/input/. /real/out/"),
        ("cat '/input'>\"/output/x\"", "cat '/real/input'>\"/real/out/x\""),
        ("(cd /app&&ls)", "(cd /real/app&&ls)"),
        ('["/input","/output"]', '["/real/input","/real/out"]'),
        ("/input*", "/real/input*"),
        ("/app/../input", "/real/app/../input"),
        ("https://host/app", "https://host/app"),
        ("main.py", "main.py"),
        ("", ""),
    ],
)
def test_boundaries(text: str, expected: str) -> None:
    assert MAP.apply(text) == expected


def test_nothing_replaced_is_looked_at_again() -> None:
    assert PathMap({"/a": "/b", "/b": "/a"}).apply("/a /b") == "/b /a"
    assert PathMap({"/work": "/x/work"}).apply("/work/work") == "/x/work/work"


def test_root_is_never_replaced() -> None:
    assert PathMap({"/": "/real"}).apply("/ /x") == "/ /x"
    assert PathMap({}).apply("/x") == "/x"


def test_joined_prefers_the_given_one() -> None:
    joined = MAP.joined({"/input/": "/payload", "/more": "/m"})
    assert joined.apply("/input /more /app") == "/payload /m /real/app"
    assert joined.pairs["/input"] == "/payload"


NAMES = st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=1, max_size=3).map(lambda p: "/" + "/".join(p))


@given(st.dictionaries(NAMES, NAMES.map(lambda name: "/REAL" + name), max_size=5), st.text(max_size=30))
def test_text_without_a_path_stays(pairs: dict[str, str], text: str) -> None:
    if "/" not in text:
        assert PathMap(pairs).apply(text) == text


@given(st.dictionaries(NAMES, NAMES.map(lambda name: "/REAL" + name), min_size=1, max_size=5), NAMES)
def test_the_longest_container_path_counts(pairs: dict[str, str], path: str) -> None:
    above = [name for name in pairs if (path + "/").startswith(name + "/")]
    longest = max(above, key=len, default=None)
    expected = path if longest is None else pairs[longest] + path[len(longest) :]
    assert PathMap(pairs).apply(path) == expected
    assert PathMap(pairs).apply(f"a={path} '{path}'") == f"a={expected} '{expected}'"
