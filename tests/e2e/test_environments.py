"""Operators with Python environments of their own, made from tiny wheels without a network."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import Clara, Project, on_terminal

from clara_cli.errors import ImageError
from clara_cli.images.make_environment import find_uv, make_environment, python_of
from clara_cli.images.requirements import Requirements

DEFINITION = "- name: a\n  container: {image: a}\n"
SHOW = "import sys, tiny, numpy, clara\nprint(tiny.VERSION, sys.prefix != sys.base_prefix, sys.executable)\n"


def wheel(folder: Path, version: str) -> None:
    """A wheel of the package `tiny`, with one script."""
    name = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VERSION = '{version}'\ndef main(): print('tiny', VERSION)\n",
        f"{name}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{name}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}/entry_points.txt": "[console_scripts]\ntiny-tool = tiny:main\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{name}/RECORD"))
    with zipfile.ZipFile(folder / f"tiny-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{name}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, which pip and uv know as the only place to look at."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "1.0")
    wheel(folder, "2.0")
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def operator(project: Project, requirements: str, program: str = SHOW) -> Path:
    folder = project.operator("a", program)
    (folder / "requirements.txt").write_text(requirements)
    return folder


def test_an_environment_is_asked_for_made_once_and_used(clara: Clara, project: Project, tmp_path: Path) -> None:
    folder = operator(project, "tiny==1.0\nnvidia-clara-pipeline-driver==0.8.1\n")
    pipeline = clara.pipeline(project.definition(DEFINITION, "0.4.0"))
    job = clara.job(pipeline)
    told = clara("start", "job", "-j", job, code=1).err
    assert f"{folder}/requirements.txt asks for what the Python that runs clara does not have: tiny==1.0" in told
    assert f"clara create image -n a:latest -p {folder} --venv" in told
    assert not (tmp_path / "root" / "environments").exists()
    made = clara("create", "image", "-n", "a:latest", "-p", folder, "--venv")
    assert made.out == "IMAGE: a:latest\n"
    assert "making the Python environment of a:latest; this is done once" in made.err
    assert "making" not in clara("create", "image", "-n", "a:latest", "-p", folder, "--venv").err
    assert str(tmp_path / "root" / "environments") in clara("describe", "image", "-n", "a").out
    clara("start", "job", "-j", job)
    version, own, python = clara("logs", "-j", job, "-o", "a").out.split()
    assert (version, own) == ("1.0", "True")
    assert python.startswith(str(tmp_path / "root" / "environments"))
    # What it asks for has changed, so that environment is not its own any more.
    (folder / "requirements.txt").write_text("tiny==2.0\n")
    assert "PYTHON: an environment of its own, not made yet" in clara("describe", "image", "-n", "a").out
    assert "tiny==2.0 (not installed)" in clara("start", "job", "-j", clara.job(pipeline), code=1).err


def test_it_is_made_at_the_start_where_that_is_configured(clara: Clara, project: Project) -> None:
    operator(project, "tiny>1\n", "import subprocess, tiny\nsubprocess.run(['tiny-tool'], check=True)\n")
    project.configure("venv: auto\n")
    job, started = clara.run(project.definition(DEFINITION, "0.4.0"))
    assert "Notice: making the Python environment of a:latest" in started.err
    assert clara("logs", "-j", job, "-o", "a").lines == ["tiny 2.0"]
    _, again = clara.run(project.definition(DEFINITION, "0.4.0"))
    assert again.err == ""


def test_on_a_terminal_the_tools_lines_are_shown(project: Project, clara: Clara) -> None:
    folder = operator(project, "tiny\n")
    code, shown = on_terminal("create", "image", "-n", "a", "-p", str(folder), "--venv")
    assert code == 0, shown
    assert "making the Python environment of a" in shown and "tiny==2.0" in shown


@pytest.mark.parametrize("how", ["never", "--python", "satisfied"])
def test_clara_own_python_is_used(clara: Clara, project: Project, how: str) -> None:
    folder = operator(project, "numpy\n" if how == "satisfied" else "tiny\n", "import sys; print(sys.executable)")
    if how == "never":
        project.configure("venv: never\n")
    else:
        more = ["--venv"] if how == "satisfied" else ["--python", sys.executable]
        told = clara("create", "image", "-n", "a", "-p", folder, *more).err
        assert ("no environment is needed" in told) is (how == "satisfied")
    job, _ = clara.run(project.definition(DEFINITION, "0.4.0"))
    assert clara("logs", "-j", job, "-o", "a").lines == [sys.executable]


def test_a_failure_shows_the_last_lines_and_leaves_nothing_half_made(
    clara: Clara, project: Project, tmp_path: Path
) -> None:
    folder = operator(project, "no-such-package==1\n")
    answer = clara("create", "image", "-n", "a", "-p", folder, "--venv", code=1)
    assert "the environment of a cannot be made" in answer.err and "no-such-package" in answer.err
    assert clara("list", "images", "-q").lines == []
    assert [path.suffix for path in (tmp_path / "root" / "environments").iterdir()] == [".lock"]
    assert (
        "exclude each other"
        in clara("create", "image", "-n", "a", "-p", folder, "--venv", "--python", sys.executable, code=2).err
    )


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_either_tool_makes_a_whole_environment(tmp_path: Path, tool: str) -> None:
    folder = tmp_path / "environments" / "x"
    folder.mkdir(parents=True)
    (folder / "half-made").touch()
    assert python_of(folder) is None
    uv = find_uv() if tool == "uv" else None
    assert (uv is None) is (tool == "pip")
    steps: list[str] = []
    python = make_environment(folder, Requirements(("tiny==1.0",), ()), "a", steps.append, uv=uv)
    assert python == python_of(folder) and not (folder / "half-made").exists()
    assert steps[0] == "making the Python environment of a" and len(steps) > 1
    shown = subprocess.run([folder / "bin" / "tiny-tool"], capture_output=True, text=True, check=True)
    assert shown.stdout == "tiny 1.0\n"
    # Another process finds it whole, and makes nothing.
    assert make_environment(folder, Requirements(("tiny==1.0",), ()), "a", steps.append, uv="/none") == python
    with pytest.raises(ImageError, match="cannot be made"):
        make_environment(tmp_path / "environments" / "y", Requirements(("tiny==3",), ()), "b", uv=uv)
    assert not (tmp_path / "environments" / "y").exists()


def test_two_processes_make_one_environment(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from clara_cli.images.make_environment import make_environment\n"
        "from clara_cli.images.requirements import Requirements\n"
        "steps = []\n"
        f"make_environment(Path({str(tmp_path / 'e')!r}), Requirements(('tiny',), ()), 'a', steps.append)\n"
        "print(len(steps) > 0)"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate()[0].strip() for process in both) == ["False", "True"]
