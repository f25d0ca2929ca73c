"""Drill 4, the command line and the configuration: whatever is typed or written, never a stack, never a hang.

The long form: CLARA_FUZZ=20000 pytest tests/drills/test_fuzz_surface.py --capture=no
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clara_cli.clarac import clarac
from clara_cli.cli import COMMANDS, cli
from clara_cli.config import make_config, parse_config
from clara_cli.config_keys import KEYS, find_key, from_words
from clara_cli.errors import ClaraError

INPUTS = int(os.environ.get("CLARA_FUZZ", "300"))
fuzz = settings(
    max_examples=INPUTS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
tried: Counter[str] = Counter()

RESOURCES = ["pipeline", "pipelines", "job", "jobs", "image", "payload", "models", "create", "src", "aetitle", "set"]
FLAGS = [
    *(
        "-n",
        "-p",
        "-j",
        "-f",
        "-i",
        "-s",
        "-o",
        "-q",
        "-y",
        "-t",
        "-a",
        "-v",
        "-h",
        "--name",
        "--pipeline",
        "--job",
        "--",
    ),
    *(
        "--output",
        "--output=json",
        "-o=yaml",
        "--set",
        "--set=a=b",
        "--config",
        "--host",
        "--verbose",
        "--help",
        "-",
        "---",
    ),
    *("--timeout", "--key", "--orgteam", "--detach", "--from", "--resume", "--metadata", "--older-than", "--max-size"),
    *("-n=x", "-nx", "-=", "--=x", "--nam", "--no-such-flag", "-Z", "-jp", "-oq"),
]
WORDS = st.one_of(
    st.sampled_from(RESOURCES),
    st.sampled_from(FLAGS),
    st.sampled_from(
        [
            "0",
            "abc",
            "0" * 32,
            "x:/operators/a/*",
            ":",
            "a:",
            "..",
            "~",
            "~nobody",
            "~nosuchuser/x",
            "%s",
            "{}",
            "\\",
            "'",
        ]
    ),
    st.sampled_from(["/nonexistent", "[a, b", "{a: 1}", "12h", "-1", "1e400", "nan", "NAME=VALUE", "=", "a=b=c"]),
    st.text(max_size=12),
    st.text(alphabet="-=:/.*\x00\n\t\x1b\udcff💥ab", max_size=8),
)
# Waiting is what `wait` is for.
CALLED = sorted(set(COMMANDS) - {"wait"})


@pytest.fixture(autouse=True, scope="module")
def _figures() -> Iterator[None]:
    yield
    sys.stderr.write(f"\ninputs tried: {dict(tried)}\n")


@pytest.fixture(autouse=True)
def _quiet_world(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world)
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setenv("VISUAL", "true")


def check(program: Any, words: list[str]) -> None:
    result = CliRunner().invoke(program, words, prog_name="clara", input="")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{words!r}") from result.exception
    said = result.stderr
    assert "Traceback" not in said and "clara itself failed" not in said, (words, said)
    assert result.exit_code in (0, 1, 2), (words, result.exit_code, said)
    if result.exit_code == 2:
        assert f"\n{said}".count("\nError: ") == 1, (words, said)
    if result.exit_code == 0:
        assert "Error: " not in said, (words, said)
    tried[program.name] += 1


@fuzz
@given(st.sampled_from(CALLED), st.lists(WORDS, max_size=7), st.lists(WORDS, max_size=2))
def test_any_words(command: str, after: list[str], before: list[str]) -> None:
    check(cli, [*before, command, *after])


@fuzz
@given(st.sampled_from(CALLED), st.sampled_from(RESOURCES), st.lists(WORDS, max_size=6))
def test_any_words_after_a_resource(command: str, resource: str, words: list[str]) -> None:
    check(cli, [command, resource, *words])


@fuzz
@given(st.lists(WORDS, max_size=6))
def test_any_words_for_the_compiler(words: list[str]) -> None:
    check(clarac, words)


@fuzz
@given(st.lists(WORDS, max_size=6), st.sampled_from(["bash", "zsh", "fish"]), st.integers(-2, 9))
def test_any_line_before_tab(words: list[str], shell: str, place: int) -> None:
    line = " ".join(["clara", *words]).replace("\0", "")
    environment = {
        **{"_CLARA_COMPLETE": f"{shell}_complete", "CLARA_COMPLETE_LINE": line, "COMP_WORDS": line},
        **{"COMP_CWORD": str(abs(place)) if shell != "fish" else words[-1].replace("\0", "") if words else ""},
        **{"CLARA_COMPLETE_BREAKS": " \t\n:=", "CLARA_COMPLETE_TYPE": "9"},
    }
    result = CliRunner(env=environment).invoke(cli, [], prog_name="clara")
    assert result.exception is None or isinstance(result.exception, SystemExit), line
    assert "Traceback" not in result.stderr and "itself failed" not in result.stderr, (line, result.stderr)
    tried["tab"] += 1


PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.binary(max_size=4)
)
NAMES = (
    st.sampled_from([*KEYS, "http", "grpc", "key", "orgteam", "older_than", "max_size"]) | st.text(max_size=6) | PLAIN
)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


@fuzz
@given(st.dictionaries(st.sampled_from([*KEYS]), VALUES, max_size=6) | VALUES)
def test_any_values_in_the_configuration(values: Any) -> None:
    try:
        text = yaml.safe_dump(values, allow_unicode=True)
    except (yaml.YAMLError, ValueError, UnicodeError):
        return
    read(text)


YAML = st.text(alphabet=" \n-:{}[]&*!|>'\"%@`#,?~\tab1.eé\x00\ud800<", max_size=60)


@fuzz
@given(st.lists(st.sampled_from([*KEYS]), max_size=3), YAML)
def test_any_text_in_the_configuration(keys: list[str], text: str) -> None:
    read("".join(f"{key}: {text}\n" for key in keys) or text)


def read(text: str) -> None:
    path = Path("/x/config.yaml")
    try:
        make_config(parse_config(text, path), path, {})
    except ClaraError as error:
        assert error.message and "\n" not in error.message, error.message
    tried["configuration"] += 1


@fuzz
@given(st.sampled_from([*KEYS, "services.A", "ngc.key", "triton.http", "clean.max_size"]), st.lists(WORDS, max_size=3))
def test_any_value_that_is_set(name: str, words: list[str]) -> None:
    """What is written can be read again, and what is refused leaves the file as it was."""
    file = Path.home() / ".clara" / "config.yaml"
    before = file.read_bytes() if file.exists() else b""
    check(cli, ["config", "set", name, "--", *words])
    after = file.read_bytes() if file.exists() else b""
    if after != before:
        values = parse_config(after.decode(), file)
        make_config(values, file, {})
        key, keys = find_key(name)
        wanted = from_words(key, keys, words)
        found = values[keys[0]] if len(keys) == 1 else values[keys[0]][keys[1]]
        assert found == wanted
    tried["set"] += 1


def test_deep_and_large_files_end_in_a_message() -> None:
    for text in ("[" * 5000, "{a: " * 5000, "- " * 5000, "a: " + "x" * 3_000_000, "a: &a [*a]\n", "? " * 3000):
        read(text)
