"""The small image root."""

import os
import sys
from pathlib import Path

import pytest

from clara_cli.errors import ImageError
from clara_cli.images.program import read_program
from clara_cli.images.workfolder import WorkFolder, lay_out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.mkdir()
    (path / "main.py").write_text("print()\n")
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "work/op"


def laid_out(folder: Path, target: Path, dockerfile: str | None = None) -> WorkFolder:
    if dockerfile is not None:
        (folder / "Dockerfile").write_text(f"FROM x\n{dockerfile}\nCMD x\n")
    return lay_out(read_program(folder), target)


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_files_are_copies_without_leavings(folder: Path, target: Path) -> None:
    for name in (".git/x", "__pycache__/x", ".venv/x", "lib/__pycache__/x", "lib/one.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    found = laid_out(folder, target)
    assert names(found.root) == ["app", "app/lib", "app/lib/one.py", "app/main.py"]
    assert found.cwd == target / "root/app"
    assert not (found.cwd / "main.py").is_symlink()
    assert found.paths.apply("/app/main.py") == str(found.cwd / "main.py")


def test_modes(folder: Path, target: Path) -> None:
    for name, text, mode in [("run", "x", 0o755), ("script", "#!/bin/sh\n", 0o644), ("data", "x", 0o444)]:
        (folder / name).write_text(text)
        (folder / name).chmod(mode)
    cwd = laid_out(folder, target).cwd
    assert os.access(cwd / "run", os.X_OK)
    assert os.access(cwd / "script", os.X_OK)
    assert (cwd / "data").stat().st_mode & 0o777 == 0o644


def test_a_program_that_writes_its_own_files_leaves_the_source_alone(folder: Path, target: Path) -> None:
    (folder / "weights").write_bytes(bytes(6 << 20))
    (folder / "small").write_text("s")
    found = laid_out(folder, target, "WORKDIR /app\nCOPY weights small ./\nCOPY small /app/weights")
    assert (found.cwd / "weights").read_text() == "s"
    for name in ("weights", "small"):
        (found.cwd / name).write_text("changed")
    assert (folder / "weights").stat().st_size == 6 << 20
    assert (folder / "small").read_text() == "s"


def test_links_end(folder: Path, target: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "data").write_text("d")
    (shared / "back").symlink_to(folder)
    (folder / "shared").symlink_to(shared)
    (folder / "self").symlink_to(".")
    (folder / "above").symlink_to(tmp_path)
    (folder / "everything").symlink_to("/")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "alias.py").symlink_to("main.py")
    found = laid_out(folder, target)
    assert names(found.cwd) == ["alias.py", "main.py", "shared", "shared/data"]
    assert not (found.cwd / "shared").is_symlink()
    assert not (found.cwd / "alias.py").is_symlink()


def test_a_target_inside_the_source_does_not_copy_itself(folder: Path) -> None:
    found = laid_out(folder, folder / "work")
    assert names(found.cwd) == ["main.py"]


def test_workdir_is_made_and_copies_appear_where_they_belong(folder: Path, target: Path) -> None:
    found = laid_out(folder, target, "WORKDIR /data/run\nCOPY main.py /opt/tool/")
    assert names(found.root) == ["data", "data/run", "opt", "opt/tool", "opt/tool/main.py"]
    assert found.paths.apply("/opt/tool/main.py /data/run/x") == (
        f"{found.root}/opt/tool/main.py {found.root}/data/run/x"
    )


def test_folders_of_the_system_are_not_replaced_as_a_whole(folder: Path, target: Path) -> None:
    (folder / "rootfs/usr/local/bin").mkdir(parents=True)
    (folder / "rootfs/usr/local/bin/tool").write_text("")
    found = laid_out(folder, target, "COPY rootfs /\nCOPY main.py /tmp/\n")
    text = "/usr/local/bin/tool /usr/local/bin/else /tmp/main.py /tmp/x / /usr"
    root = str(found.root)
    assert found.paths.apply(text) == (
        f"{root}/usr/local/bin/tool /usr/local/bin/else {root}/tmp/main.py /tmp/x / /usr"
    )
    assert found.cwd == found.root


def test_mounts_are_reached_from_the_workdir(folder: Path, target: Path, tmp_path: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in/example").write_text("")
    payload = tmp_path / "payload"
    (payload / "lung").mkdir(parents=True)
    found = lay_out(read_program(folder), target, {"/app/in": payload, "/app/in/lung": tmp_path, "/": payload})
    assert (found.cwd / "in").readlink() == payload
    assert (folder / "in/example").exists()
    assert [path.name for path in payload.iterdir()] == ["lung"]


def test_a_file_and_a_folder_at_one_path(folder: Path, target: Path) -> None:
    (folder / "lib").mkdir()
    with pytest.raises(ImageError, match="cannot be laid out"):
        laid_out(folder, target, "COPY main.py /x\nCOPY lib /x")


def test_path_prefix_is_the_interpreters_own_folder_or_wrappers(folder: Path, target: Path, tmp_path: Path) -> None:
    binaries = tmp_path / "venv bin"
    binaries.mkdir()
    own = binaries / "python"
    own.write_text(f'#!/bin/sh\nOWN=1 exec "{sys.executable}" "$@"\n')
    own.chmod(0o755)
    program = read_program(folder, interpreter=own)
    first = lay_out(program, target)
    assert first.path_prefix == target / "bin"
    assert str(own) in (first.path_prefix / "python3").read_text()
    (binaries / "python3").symlink_to("python")
    assert lay_out(program, target.with_name("second")).path_prefix == binaries
