"""`clara config`: the file is checked, changed in place, replaced whole, and never shows a key."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import REPOSITORY, Clara

from clara_cli.config import Config, load_config
from clara_cli.config_keys import KEYS
from clara_cli.config_text import remove_value, set_value

Shell = Callable[..., subprocess.CompletedProcess[str]]
TEXT = """\
# my settings
root: ~/data   # the big disk
operator_path:   # two
  - /a   # first
  - /b
# end of folders

services:
    A: h:80  # one
    # before B
    B: 'h:81'
something-old: {a: 1}
"""


@pytest.fixture
def file(world: Path) -> Path:
    return world / "home" / ".clara" / "config.yaml"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def test_the_documented_keys_are_those_that_are_read() -> None:
    assert {*Config._fields} == KEYS.keys() - {"ngc"}
    readme = (REPOSITORY / "README.md").read_text()
    for key in KEYS.values():
        assert f"`{key.name}`" in readme, key.name
        assert key.variable is None or f"`{key.variable}`" in readme


def test_an_installers_call_stores_the_key_and_never_shows_it(clara: Clara, file: Path) -> None:
    answer = clara("config", "-y", "--key", "s3cret", "--orgteam", "O/T", "--verbose")
    assert answer.out == 'Configuration "ngc-clara"successfully created\n' and answer.err == ""
    assert yaml.safe_load(file.read_text()) == {"ngc": {"key": "s3cret", "orgteam": "O/T"}}
    assert file.stat().st_mode & 0o777 == 0o600
    for words in (("config", "list"), ("config", "list", "-o", "json"), ("config", "get", "ngc"), ("doctor",)):
        answer = clara(*words, code=None)
        assert "s3cret" not in answer.out + answer.err
    assert clara("config", "get", "ngc.key").out == "********\n"
    assert clara("config", "get", "ngc.orgteam").out == "O/T\n"
    for wrong in ("ngc: [s3cret]\n", "ngc: {kee: s3cret}\n", "ngc: s3cret\n"):
        write(file, wrong)
        assert "s3cret" not in clara("list", "jobs", code=1).err
    write(file, "")
    clara("config", "--key", "k")
    assert clara("config", "get", "ngc.orgteam").out == "nvidia/clara\n"


def test_the_key_may_come_from_stdin(shell: Shell, file: Path) -> None:
    assert shell("echo s3cret | clara config --key - -y").returncode == 0
    assert yaml.safe_load(file.read_text())["ngc"]["key"] == "s3cret"


def test_values_are_changed_in_place(clara: Clara, file: Path) -> None:
    write(file, TEXT)
    clara("config", "set", "root", "/other")
    clara("config", "set", "services.A", "h:90")
    clara("config", "set", "services.C", "h:91")
    clara("config", "set", "operator_path", "/x", "/y")
    answer = clara("config", "set", "cpus", "4")
    assert (answer.out, answer.err) == ("", f"{file}: cpus is now 4\n")
    clara("config", "unset", "services.B")
    assert file.read_text() == (
        "# my settings\n"
        "root: /other   # the big disk\n"
        "operator_path: [/x, /y]   # two\n"
        "# end of folders\n"
        "\n"
        "services:\n"
        "    A: 'h:90'  # one\n"
        "    # before B\n"
        "    C: h:91\n"
        "something-old: {a: 1}\n"
        "cpus: 4\n"
    ).replace("'h:90'", file.read_text().split("A: ")[1].split("  #")[0])
    assert clara("config", "get", "operator_path").lines == ["/x", "/y"]
    clara("config", "unset", "services.A")
    clara("config", "unset", "services.C")
    assert "services" not in file.read_text() and "# my settings" in file.read_text()


def test_relative_folders_are_meant_from_here(clara: Clara, file: Path, world: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(world)
    clara("config", "set", "root", "data")
    clara("config", "set", "models.spleen", "m")
    clara("config", "set", "operator_path", "~/a", "b")
    assert yaml.safe_load(file.read_text()) == {
        "root": str(world / "data"),
        "models": {"spleen": str(world / "m")},
        "operator_path": ["~/a", str(world / "b")],
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["set", "tiemout", "3"], 'no configuration key "tiemout"; did you mean "timeout"?'),
        (["get", "tiemout"], 'did you mean "timeout"?'),
        (["unset", "ngk"], 'did you mean "ngc"?'),
        (["set", "timeout", "--", "-3"], "timeout must be a number of seconds above 0, found -3"),
        (["set", "cpus", "four"], "cpus must be a whole number above 0, found 'four'"),
        (["set", "cpus", "[1"], "cpus: not valid YAML"),
        (["set", "start", "later"], 'start is "later": expected attach or detach'),
        (["set", "root.x", "1"], "root holds one value"),
        (["set", "root", "/a", "/b"], "root takes one value, found 2"),
        (["set", "root", "/a:b"], 'must not contain ":"'),
        (["set", "services.A", "nothing"], "is no address"),
        (["set", "triton", "a b"], "is no address"),
        (["get", "timeout"], "timeout is not set; the default is no limit"),
    ],
)
def test_wrong_keys_and_values_change_nothing(clara: Clara, file: Path, words: list[str], told: str) -> None:
    write(file, TEXT)
    answer = clara("config", *words, code=1)
    assert told in answer.err and answer.out == ""
    assert file.read_text() == TEXT
    assert [path.name for path in file.parent.iterdir()] == ["config.yaml"]


def test_wrong_calls(clara: Clara) -> None:
    assert 'required flag(s) "key" not set\nUsage:\n' in clara("config", "-y", code=2).err
    assert "expected clara config set KEY VALUE" in clara("config", "set", "cpus", code=2).err
    assert "the NGC key is empty" in clara("config", "--key", " ", code=2).err


def test_the_list_says_where_values_come_from(clara: Clara, file: Path, world: Path) -> None:
    write(file, "start: detach\nstrat: attach\n")
    answer = clara("config", "list", "-o", "json")
    assert 'strat; did you mean "start"?' in answer.err
    found = {item["key"]: item for item in json.loads(answer.out)}
    assert list(found) == list(KEYS)
    assert list(found["start"]) == ["key", "value", "from", "default", "meaning"]
    assert (found["start"]["value"], found["start"]["from"]) == ("detach", str(file))
    assert (found["root"]["value"], found["root"]["from"]) == (str(world / "root"), "CLARA_ROOT")
    assert (found["cpus"]["value"], found["cpus"]["from"]) == (None, "default")
    assert clara("config", "list", "-q").lines == list(KEYS)
    assert "the variable CLARA_ROOT is set, and wins" in clara("config", "set", "root", "/r").err


def test_edit_replaces_only_what_is_right(shell: Shell, file: Path) -> None:
    write(file, "start: detach  # mine\n")
    done = shell("clara config edit", EDITOR="sed -i s/detach/wrong/")
    assert done.returncode == 1 and 'start is "wrong"' in done.stderr and "goes on with" in done.stderr
    assert file.read_text() == "start: detach  # mine\n"
    done = shell("clara config edit", EDITOR="sed -i s/wrong/attach/")
    assert done.returncode == 0 and "refused before" in done.stderr
    assert file.read_text() == "start: attach  # mine\n"
    assert "nothing was changed" in shell("clara config edit", EDITOR="true").stderr
    assert [path.name for path in file.parent.iterdir()] == ["config.yaml"]


def test_calls_at_the_same_time_lose_nothing(shell: Shell, file: Path) -> None:
    done = shell("for n in 1 2 3 4 5 6 7 8; do clara config set services.S$n h:$n & done; wait")
    assert done.returncode == 0, done.stderr
    assert load_config(environment={}).services == {f"S{n}": f"h:{n}" for n in range(1, 9)}


def test_links_stay_and_files_of_others_are_named(clara: Clara, shell: Shell, file: Path, world: Path) -> None:
    elsewhere = world / "dotfiles.yaml"
    elsewhere.write_text("cpus: 1\n")
    file.parent.mkdir()
    file.symlink_to(elsewhere)
    clara("config", "set", "cpus", "2")
    assert file.is_symlink() and elsewhere.read_text() == "cpus: 2\n"
    done = shell(f"chmod 500 {world}/home/.clara; rm {file}; clara config set cpus 3; chmod 700 {world}/home/.clara")
    assert "dotfiles" not in done.stderr and "Traceback" not in done.stderr
    own = world / "own.yaml"
    clara("--config", own, "config", "set", "memory", "100")
    assert own.read_text() == "memory: 100\n"


def test_comments_that_cannot_be_kept_are_told(clara: Clara, file: Path) -> None:
    write(file, "{start: detach} # flow\n")
    assert "its comments could not be kept" in clara("config", "set", "cpus", "4").err
    assert yaml.safe_load(file.read_text()) == {"start": "detach", "cpus": 4}


NAMES = st.sampled_from(["cpus", "root", "a", "b c", "ü", "services", "models"])
PLAIN = st.text(max_size=8) | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(NAMES, PLAIN, max_size=3)


@given(st.dictionaries(NAMES, VALUES, max_size=4), NAMES, VALUES, st.booleans(), st.booleans())
def test_an_edit_changes_nothing_else(values: dict[str, Any], name: str, value: Any, remove: bool, flow: bool) -> None:
    """What the edit makes of YAML that PyYAML wrote is right, or known to be wrong: then it is written anew."""
    text = yaml.safe_dump(values, allow_unicode=True, default_flow_style=flow, sort_keys=False)
    edited = remove_value(text, (name,)) if remove else set_value(text, (name,), value)
    expected = {key: item for key, item in values.items() if key != name} if remove else {**values, name: value}
    if values and not flow:
        assert edited is not None and (yaml.safe_load(edited) or {}) == expected


@pytest.mark.parametrize("key", ["token_file", "platform.token_file", "tls.ca"])
def test_files_are_meant_from_where_the_command_is_called(
    clara: Clara, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for said, kept in (("mine", str(tmp_path / "mine")), ("~/mine", "~/mine"), ("/mine", "/mine")):
        clara("config", "set", key, said)
        assert kept in clara("config", "list").out
