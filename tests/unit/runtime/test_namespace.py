"""Views as arguments of bubblewrap."""

from __future__ import annotations

from pathlib import Path

import pytest

from clara_cli.runtime.namespace import Bind, View, arguments, settled


def mounted(*binds: Bind) -> dict[str, tuple[str, ...]]:
    """Path in the view → option and source, in the order in which they are mounted."""
    words = arguments(View(binds))
    found: dict[str, tuple[str, ...]] = {}
    place = 0
    while place < len(words):
        count = {"--proc": 1, "--chdir": 1}.get(
            words[place], 2 if "bind" in words[place] or "link" in words[place] else 0
        )
        if count == 2:
            found[words[place + 2]] = (words[place], words[place + 1])
        place += count + 1
    return found


def test_the_machine_is_there_and_read_only() -> None:
    found = mounted()
    for entry in Path("/").iterdir():
        path = str(entry)
        if path == "/proc":
            assert path not in found
        elif path == "/dev":
            assert found[path] == ("--dev-bind", "/dev")
        elif entry.is_symlink():
            assert found[path] == ("--symlink", str(entry.readlink()))
        else:
            assert found[path] == ("--ro-bind", path)


def test_processes_are_apart_and_end_with_their_parent() -> None:
    words = arguments(View((), cwd="/somewhere"))
    assert {"--unshare-pid", "--die-with-parent", "--new-session"} <= set(words)
    assert words[words.index("--proc") + 1] == "/proc"
    assert words[-2:] == ["--chdir", "/somewhere"]
    assert not {"--unshare-net", "--unshare-all"} & set(words)


def test_what_stands_at_the_top_needs_no_splitting() -> None:
    found = mounted(Bind("/input", "/etc"), Bind("/deep/er/out", "/var", True))
    assert found["/input"] == ("--ro-bind", "/etc")
    assert found["/deep/er/out"] == ("--bind", "/var")
    assert found["/usr"] == ("--ro-bind", "/usr")


def test_a_folder_is_split_where_something_new_lies_in_it(tmp_path: Path) -> None:
    for name in ("a/inner", "b", "there"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("b")
    source = str(tmp_path)
    found = mounted(Bind("/view", source), Bind("/view/a/new", "/etc"), Bind("/view/there", "/var", True))
    assert "/view" not in found and "/view/a" not in found
    assert found["/view/a/inner"] == ("--ro-bind", f"{source}/a/inner")
    assert found["/view/b"] == ("--ro-bind", f"{source}/b")
    assert found["/view/file"] == ("--ro-bind", f"{source}/file")
    assert found["/view/link"] == ("--symlink", "b")
    assert found["/view/a/new"] == ("--ro-bind", "/etc")
    assert found["/view/there"] == ("--bind", "/var")


def test_no_splitting_where_the_mount_point_is_there_or_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    source = str(tmp_path)
    read_only = mounted(Bind("/view", source), Bind("/view/there", "/etc"))
    assert read_only["/view"] == ("--ro-bind", source)
    writable = mounted(Bind("/view", source, True), Bind("/view/new", "/etc", True), Bind("/view/new/er", "/var"))
    assert writable["/view"] == ("--bind", source)
    assert list(writable).index("/view") < list(writable).index("/view/new")


def test_a_folder_that_is_a_link_is_split_and_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    found = mounted(Bind("/view", str(tmp_path)), Bind("/view/link", "/etc"))
    assert found["/view/link"] == ("--ro-bind", "/etc")
    assert "/view" not in found


def test_later_binds_of_one_path_count_more() -> None:
    assert mounted(Bind("/tmp", "/a", True), Bind("/tmp", "/b"))["/tmp"] == ("--ro-bind", "/b")


def test_a_folder_that_must_not_be_read_is_left_out() -> None:
    found = mounted(Bind("/view", "/no/such/folder"), Bind("/view/in", "/etc"))
    assert found["/view/in"] == ("--ro-bind", "/etc") and "/view" not in found


@pytest.mark.parametrize(("path", "expected"), [("/x/../y//z/", "/y/z"), ("/a", "/a")])
def test_paths_are_settled(path: str, expected: str) -> None:
    assert settled(path) == expected


def test_links_above_are_followed_and_the_last_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert settled(f"{tmp_path}/link/in") == f"{tmp_path}/real/in"
    assert settled(f"{tmp_path}/link") == f"{tmp_path}/link"
