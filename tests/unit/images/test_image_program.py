"""Which arguments a program is started with."""

import sys
from pathlib import Path

import pytest

from clara_cli.errors import ImageError
from clara_cli.images.program import Program, argv, read_program

MAIN = ("python", "-u", "main.py")


def program(folder: Path, dockerfile: str | None = None, files: tuple[str, ...] = ("main.py",)) -> Program:
    for name in files:
        (folder / name).write_text("")
    if dockerfile is not None:
        (folder / "Dockerfile").write_text("FROM x\n" + dockerfile)
    return read_program(folder)


@pytest.mark.parametrize(
    ("dockerfile", "command", "expected"),
    [
        ('ENTRYPOINT ["run", "-v"]', (), ("run", "-v")),
        ('ENTRYPOINT ["run"]\nCMD ["--default"]', (), ("run", "--default")),
        ('ENTRYPOINT ["run"]\nCMD ["--default"]', ("--mine",), ("run", "--mine")),
        ('CMD ["run", "--default"]', (), ("run", "--default")),
        ('CMD ["run", "--default"]', ("other", "x"), ("other", "x")),
        ("CMD run it", (), ("/bin/sh", "-c", "run it")),
        ("ENTRYPOINT run it", ("x",), ("/bin/sh", "-c", "run it", "x")),
        ("WORKDIR /app\nCOPY . .", (), MAIN),
        ("WORKDIR /app\nCOPY main.py .", (), MAIN),
        ("WORKDIR /app\nCOPY main.py .", ("sh", "-c", "x"), ("sh", "-c", "x")),
        ("WORKDIR /app", (), MAIN),
    ],
)
def test_with_a_dockerfile(
    tmp_path: Path, dockerfile: str, command: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert argv(program(tmp_path, dockerfile), command) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ((), MAIN),
        (("--stage", "read"), (*MAIN, "--stage", "read")),
        (("read_volume",), (*MAIN, "read_volume")),
        (("main.py",), (*MAIN, "main.py")),
        (("",), (*MAIN, "")),
        (("python", "other.py"), ("python", "other.py")),
        (("python3.9", "-V"), ("python3.9", "-V")),
        (("/usr/local/bin/python", "x"), ("/usr/local/bin/python", "x")),
        (("sh", "-c", "true"), ("sh", "-c", "true")),
        (("/bin/sh", "-c", "true"), ("/bin/sh", "-c", "true")),
        (("./run.sh", "x"), ("./run.sh", "x")),
        (("/app/run.sh",), ("/app/run.sh",)),
        (("./data.txt",), (*MAIN, "./data.txt")),
        (("/input",), (*MAIN, "/input")),
    ],
)
def test_without_a_dockerfile(tmp_path: Path, command: tuple[str, ...], expected: tuple[str, ...]) -> None:
    found = program(tmp_path, None, ("main.py", "run.sh", "data.txt"))
    (tmp_path / "run.sh").chmod(0o755)
    assert argv(found, command) == expected


@pytest.mark.parametrize("dockerfile", ["WORKDIR /app\nCOPY other.py .", "WORKDIR /app\nCOPY main.py /else/"])
def test_nothing_to_run(tmp_path: Path, dockerfile: str) -> None:
    found = program(tmp_path, dockerfile, ("main.py", "other.py"))
    with pytest.raises(ImageError, match="nothing to run") as caught:
        argv(found)
    assert str(tmp_path) in caught.value.message
    assert caught.value.hint
    assert argv(found, ["python", "other.py"]) == ("python", "other.py")


def test_a_dockerfile_that_copies_nothing_has_the_folder_as_workdir(tmp_path: Path) -> None:
    found = program(tmp_path, 'WORKDIR /w\nCOPY --from=build /x /x\nCMD ["python", "main.py"]')
    assert [(item.source, item.target) for item in found.placements] == [(tmp_path, "/w")]
    assert len(found.warnings) == 2


def test_interpreter_and_driver(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("")
    assert read_program(tmp_path).interpreter == Path(sys.executable)
    own = tmp_path / "own-python"
    own.write_text("#!/bin/sh\n")
    with pytest.raises(ImageError, match="not an interpreter"):
        read_program(tmp_path, interpreter=own)
    own.chmod(0o755)
    found = read_program(tmp_path, interpreter=own, uses_driver=True, origin="here")
    assert (found.interpreter, found.uses_driver, found.origin) == (own, True, "here")


def test_unusable_folders(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no such folder"):
        read_program(tmp_path / "none")
    with pytest.raises(ImageError, match=r"neither a Dockerfile nor a main\.py") as caught:
        read_program(tmp_path)
    assert caught.value.hint
