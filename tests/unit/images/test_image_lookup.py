"""From an image's name to a program."""

from pathlib import Path

import pytest

from clara_cli.errors import ImageError
from clara_cli.images.lookup import find_program, find_programs, match_registered, registration
from clara_cli.images.reference import RegisteredImage, parse_reference
from clara_cli.pipelines.model import Operator


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "main.py").write_text("")
    return path


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        (["g/x:1"], "g/x:1", "g/x:1"),
        (["g/x:1"], "g/x:2", None),
        (["g/x:latest"], "g/x:1", None),
        (["g/x"], "g/x:1", "g/x"),
        (["g/x", "g/x:1"], "g/x:1", "g/x:1"),
        (["x"], "registry:5000/g/x:1", "x"),
        (["x:1", "x"], "g/x:1", "x:1"),
        (["x:1", "g/x"], "g/x:1", "g/x"),
        (["h/x"], "g/x:1", "h/x"),
        (["h/x", "i/x"], "g/x:1", None),
        (["h/x:1", "i/x:2"], "g/x:1", "h/x:1"),
        (["g/x:2", "x"], "g/x:1", "x"),
        (["g/xy"], "g/x:1", None),
        ([], "x:1", None),
    ],
)
def test_match(names: list[str], wanted: str, expected: str | None) -> None:
    references = [parse_reference(name) for name in names]
    entries = [RegisteredImage(item.name, item.tag, Path("/f")) for item in references]
    found = match_registered(parse_reference(wanted), entries)
    assert (str(found.reference) if found else None) == expected


def test_order_of_places(tmp_path: Path) -> None:
    definition = tmp_path / "definition"
    places = [
        folder(tmp_path / "second/op"),
        folder(tmp_path / "first/op"),
        folder(definition / "operators/op"),
        folder(definition / "op"),
    ]
    search = [tmp_path / "first", tmp_path / "second"]
    for place in reversed(places):
        found = find_program("g/op", "1", definition_folder=definition, search_path=search)
        assert found.folder == place
        assert found.origin == f"folder {place}"
        assert not found.uses_driver
        (place / "main.py").unlink()  # a folder that is no program is passed over
    entry = RegisteredImage("op", "", folder(tmp_path / "else"), uses_driver=True)
    found = find_program("g/op", "1", registered=[entry], definition_folder=definition, search_path=search)
    assert (found.folder, found.origin, found.uses_driver) == (tmp_path / "else", "registered image op", True)


def test_nothing_found_says_where_it_looked(tmp_path: Path) -> None:
    (tmp_path / "search/op").mkdir(parents=True)
    entry = RegisteredImage("h/op", "7", tmp_path)
    with pytest.raises(ImageError) as caught:
        find_program(
            "g/op",
            "",
            registered=[entry],
            definition_folder=tmp_path / "d",
            search_path=[tmp_path / "search"],
        )
    assert caught.value.message.splitlines() == [
        "no local program for image g/op:latest; looked for",
        "  a registered image g/op:latest, or g/op registered without a tag",
        f"    (there is h/op:7, in {tmp_path})",
        f"  folder {tmp_path}/d/op",
        f"  folder {tmp_path}/d/operators/op",
        f"  folder {tmp_path}/search/op (is there, but has neither a Dockerfile nor a main.py)",
    ]
    assert caught.value.hint == "clara create image -n g/op:latest -p FOLDER"


def test_a_registered_folder_that_is_gone_is_not_passed_over(tmp_path: Path) -> None:
    folder(tmp_path / "op")
    with pytest.raises(ImageError, match="no such folder"):
        find_program("op", "1", registered=[RegisteredImage("op", "", tmp_path / "gone")], definition_folder=tmp_path)


def test_a_tag_or_digest_in_the_image_counts(tmp_path: Path) -> None:
    entry = RegisteredImage("op", "2", folder(tmp_path / "x"))
    assert find_program("op:2@sha256:ab", "latest", registered=[entry]).folder == tmp_path / "x"


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    folder(tmp_path / "d")
    with pytest.raises(ImageError, match="not an image name"):
        find_program("..", "1", definition_folder=tmp_path / "d/d")


def test_all_failures_of_a_pipeline_at_once(tmp_path: Path) -> None:
    folder(tmp_path / "good")
    (folder(tmp_path / "broken") / "Dockerfile").write_text("FROM x\nFETCH y\n")
    (folder(tmp_path / "silent") / "Dockerfile").write_text("FROM x\nCOPY Dockerfile /x/\n")
    operators = [
        Operator("one", "g/good"),
        Operator("two", "g/none"),
        Operator("three", "g/none"),
        Operator("four", "broken"),
        Operator("five", "silent"),
        Operator("six", "silent", command=("python", "x.py")),
    ]
    with pytest.raises(ImageError) as caught:
        find_programs(operators, definition_folder=tmp_path)
    message = caught.value.message
    assert "operator two, three: no local program for image g/none:latest" in message
    assert f"operator four: {tmp_path}/broken/Dockerfile:2: unknown instruction FETCH" in message
    assert "operator five: " in message
    assert "operator one" not in message
    assert "operator six" not in message
    assert caught.value.hint is not None
    assert caught.value.hint.splitlines()[0] == "clara create image -n g/none:latest -p FOLDER"
    found = find_programs([operators[0], operators[5]], definition_folder=tmp_path)
    assert list(found) == ["one", "six"]


def test_registration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "op")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    (tmp_path / "link").symlink_to(python)
    monkeypatch.chdir(tmp_path)
    found = registration("g/op:1", Path("op"), interpreter=Path("link"), uses_driver=True)
    assert found == RegisteredImage("g/op", "1", tmp_path / "op", tmp_path / "link", True)
    for text, path, interpreter in [
        ("g/", "op", None),
        ("op", "none", None),
        ("op", "op", Path("op/main.py")),
    ]:
        with pytest.raises(ImageError):
            registration(text, Path(path), interpreter=interpreter)
