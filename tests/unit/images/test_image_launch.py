"""What is started, with real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clara_cli.images.launch import Launch, launch
from clara_cli.images.program import read_program

SHOW = "import json, os, sys\nprint(json.dumps([sys.argv, os.getcwd(), os.environ.get('OWN')]))\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.mkdir()
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "work/op"


def dockerfile(folder: Path, lines: str, **files: str) -> None:
    (folder / "Dockerfile").write_text(f"FROM x\n{lines}\n")
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def run(item: Launch) -> str:
    environment = {**os.environ, **item.environment}
    environment["PATH"] = f"{item.path_prefix}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(item.argv, cwd=item.cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def own_python(folder: Path) -> Path:
    """An interpreter of its own, told by a variable, as a virtual environment would be by its folder."""
    path = folder / "python-own"
    path.write_text(f'#!/bin/sh\nOWN=1 exec "{sys.executable}" "$@"\n')
    path.chmod(0o755)
    return path


def test_main_runs_in_the_workdir_and_leaves_the_source_alone(folder: Path, target: Path) -> None:
    (folder / "helper.py").write_text("VALUE = 3\n")
    (folder / "main.py").write_text(
        "import sys, helper\n"
        "open('helper.py', 'a').write('VALUE = 4')\n"
        "open(__file__, 'a').write('# changed')\n"
        "open('new', 'w').close()\n"
        "print(helper.VALUE, *sys.argv[1:], sys.executable)\n"
    )
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    item = launch(read_program(folder), ["--in", "/input/a"], target, {"/input": "/real/in"})
    assert item.argv[:3] == (sys.executable, "-u", "main.py")
    assert run(item) == f"3 --in /real/in/a {sys.executable}"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert (item.cwd / "new").exists()


@pytest.mark.parametrize("name", ["python", "python3"])
def test_python_in_a_shell_is_the_interpreter(folder: Path, target: Path, tmp_path: Path, name: str) -> None:
    dockerfile(folder, "WORKDIR /app\nCOPY . /app/", main_py=SHOW)
    command = ["/bin/sh", "-c", f"{name} -u /app/main.py stage"]
    item = launch(read_program(folder, interpreter=own_python(tmp_path)), command, target, {})
    assert run(item) == f'[["{target}/root/app/main.py", "stage"], "{target}/root/app", "1"]'


def test_python_in_a_shell_is_the_one_that_runs_clara(folder: Path, target: Path) -> None:
    dockerfile(folder, "WORKDIR /app\nCOPY . .\nCMD python main.py", main_py="import sys; print(sys.prefix)")
    assert run(launch(read_program(folder), [], target, {})) == sys.prefix


@pytest.mark.parametrize("word", ["python", "python3", "/usr/bin/python3", "/opt/conda/bin/python"])
def test_python_as_first_word_is_the_interpreter(folder: Path, target: Path, tmp_path: Path, word: str) -> None:
    dockerfile(folder, f'WORKDIR /app\nCOPY . .\nENTRYPOINT ["{word}", "main.py"]', main_py=SHOW)
    own = own_python(tmp_path)
    item = launch(read_program(folder, interpreter=own), [], target, {})
    assert item.argv == (str(own), "main.py")
    assert run(item).endswith('"1"]')


def test_scripts_by_any_path(folder: Path, target: Path) -> None:
    dockerfile(
        folder,
        "WORKDIR /app\nCOPY run.sh .\nCOPY run.sh /usr/local/bin/tool\nRUN chmod +x run.sh",
        run_sh='#!/bin/sh\necho "$0" "$PWD" "$@"\n',
    )
    program = read_program(folder)
    root = target / "root"
    for first, expected in [
        ("/app/run.sh", root / "app/run.sh"),
        ("./run.sh", root / "app/run.sh"),
        ("tool", root / "usr/local/bin/tool"),
        ("/usr/local/bin/tool", root / "usr/local/bin/tool"),
    ]:
        item = launch(program, [first, "/output"], target, {"/output": Path("/real/out")})
        assert run(item) == f"{expected} {root}/app /real/out"


def test_programs_of_the_base_image_are_found_elsewhere(folder: Path, target: Path) -> None:
    dockerfile(folder, "WORKDIR /app\nCOPY . .")
    program = read_program(folder)
    assert launch(program, ["/no/such/folder/sh", "-c", "x"], target, {}).argv[0] == "sh"
    assert launch(program, ["/bin/sh", "-c", "x"], target, {}).argv[0] == "/bin/sh"
    assert launch(program, ["sort"], target, {}).argv == ("sort",)


def test_environment_is_mapped_and_the_machines_part_is_not(folder: Path, target: Path) -> None:
    dockerfile(
        folder,
        "WORKDIR /app\nCOPY . .\nENV PATH=/app/bin:$PATH DATA=/app/data:/input FLAG=1\n"
        "ENV LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/app",
    )
    item = launch(read_program(folder), ["x"], target, {"/input": "/real/in"}, inherited={"PATH": "/app/host:/bin"})
    app = target / "root/app"
    assert item.environment == {
        "PATH": f"{app}/bin:/app/host:/bin",
        "DATA": f"{app}/data:/real/in",
        "FLAG": "1",
        "LD_LIBRARY_PATH": f":{app}",
    }


def test_a_mount_wins_over_the_programs_files(folder: Path, target: Path, tmp_path: Path) -> None:
    (folder / "main.py").write_text("import os; print(sorted(os.listdir('in')))")
    (folder / "in").mkdir()
    payload = tmp_path / "payload"
    payload.mkdir()
    (payload / "a.nii").write_text("")
    item = launch(read_program(folder), ["/app/in"], target, {"/app/in": payload})
    assert item.argv[-1] == str(payload)
    assert run(item) == "['a.nii']"


def test_importing_is_cheap() -> None:
    code = (
        "import sys, clara_cli.images.launch, clara_cli.images.lookup\n"
        "print({'dockerfile_parse', 'yaml', 'click', 'rich', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
