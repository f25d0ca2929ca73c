"""`--fast-io`: nibabel and numpy in an unchanged operator use other codecs, and nothing else changes."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support import Clara, Project, nibabel_volumes

from clara_cli.runtime.environment import FAST_IO_PATH, OPERATOR_PATH

OPERATOR = """
import gzip, os, sys, zipfile
import nibabel, numpy as np
from pathlib import Path
source = Path(os.environ["NVIDIA_CLARA_INPUT"])
target = Path(os.environ["NVIDIA_CLARA_OUTPUT"])
image = nibabel.load(next(source.iterdir()))
np.savez_compressed(target / "a.npz", a=np.asarray(image.dataobj))
nibabel.save(image, target / "a.nii.gz")
print("fast" if zipfile._get_compressor.__module__ == "clara.fast_codecs" else "plain", "sitecustomize" in sys.modules)
"""
DEFINITION = """
- name: pack
  container: {image: pack}
  input: [{path: /input, type: stream, element-type: nifti}]
  output: [{name: out, path: /output, type: stream, element-type: npz}]
"""


def log(clara: Clara, job: str) -> str:
    return clara("logs", job, "-o", "pack").out


@pytest.mark.parametrize("way", ["option", "configuration", "variable", "create", "detached", "none"])
def test_ways_to_switch_it_on(
    clara: Clara, project: Project, way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.operator("pack", OPERATOR)
    pipeline = clara.pipeline(project.definition(DEFINITION))
    volume = nibabel_volumes() / "anatomical.nii"
    if way == "configuration":
        project.configure("fast_io: true\n")
    if way == "variable":
        monkeypatch.setenv("CLARA_FAST_IO", "1")
    if way == "create":
        job = clara("create", "job", "-n", "x", "-p", pipeline, "-f", volume, "-s", "--fast-io").lines[0].split()[1]
    else:
        job = clara.job(pipeline, volume)
        clara(
            "start",
            "job",
            "-j",
            job,
            *(["--fast-io"] if way in ("option", "detached") else []),
            *(["--detach"] if way == "detached" else []),
        )
    if way == "detached":
        clara("wait", job)
    assert log(clara, job).split()[0] == ("plain" if way == "none" else "fast")
    clara("download", f"{job}:/operators/pack/*", tmp_path / "out")
    import nibabel

    (npz,), (nii,) = (tmp_path / "out").rglob("a.npz"), (tmp_path / "out").rglob("a.nii.gz")
    expected = np.asarray(nibabel.load(volume).dataobj)
    np.testing.assert_array_equal(np.load(npz)["a"], expected)
    np.testing.assert_array_equal(np.asarray(nibabel.load(nii).dataobj), expected)
    assert subprocess.run(["gzip", "-t", str(nii)], check=False).returncode == 0


def test_an_operator_may_switch_it_off(clara: Clara, project: Project) -> None:
    project.operator("pack", OPERATOR)
    definition = project.definition(DEFINITION + "  variables: {CLARA_FAST_IO: '0'}\n")
    job = clara.job(clara.pipeline(definition), nibabel_volumes() / "anatomical.nii")
    clara("start", "job", "-j", job, "--fast-io")
    assert log(clara, job).startswith("plain")


def test_a_python_without_isal_runs_as_it_is(clara: Clara, project: Project, tmp_path: Path) -> None:
    folder = project.operator("pack", "import gzip, zlib\nprint(gzip.decompress(gzip.compress(b'whole')))\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    clara("create", "image", "-n", "pack", "-p", folder, "--python", python)
    job = clara.job(clara.pipeline(project.definition(DEFINITION)), nibabel_volumes() / "anatomical.nii")
    started = clara("start", "job", "-j", job, "--fast-io")
    assert f"operator pack: --fast-io has no effect: {python} has no package isal" in started.err
    assert "has no package isal" in clara("describe", "job", "-j", job).out
    assert log(clara, job) == "b'whole'\n"


def test_a_wrong_value_is_told(clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure("fast_io: perhaps\n")
    assert "fast_io must be true or false" in clara("list", "jobs", code=1).err
    monkeypatch.setenv("CLARA_FAST_IO", "perhaps")
    assert 'CLARA_FAST_IO is "perhaps": expected 1 or 0' in clara("list", "jobs", code=1).err


def python(program: str, fast: bool, *more: Path) -> str:
    """What a program prints, with and without the codecs."""
    path = [FAST_IO_PATH] * fast + [OPERATOR_PATH, *more]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


READ = """
import gzip, sys, zipfile, numpy as np
from pathlib import Path
for path in sorted(Path({folder!r}).iterdir()):
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                found = len(file.read(1000)), file.tell(), file.seek(5), hash(file.read(9)) and file.mtime
                found += (sum(file.read()), )
        else:
            found = int(np.load(path)["a"].sum())
    except Exception as error:
        found = type(error).__mro__
    print(path.name, found)
"""


def test_all_kinds_of_files_read_and_fail_alike(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    array = np.random.default_rng(1).integers(0, 99, 200_000)
    data = gzip.compress(array.tobytes(), mtime=7)
    np.savez_compressed(folder / "good.npz", a=array)
    npz = (folder / "good.npz").read_bytes()
    damaged = {"cut.gz": data[:-9000], "tail.gz": data[:-5], "empty.gz": b"", "text.gz": b"no gzip", "good.gz": data}
    damaged |= {"crc.gz": data[:-6] + b"xx" + data[-4:], "two.gz": data + data, "zeros.gz": data + bytes(99)}
    damaged |= {"rest.gz": data + b"rest", "middle.gz": data[:2000] + b"\xff" * 99 + data[2099:]}
    damaged |= {"cut.npz": npz[:-100], "middle.npz": npz[:2000] + b"\xff" * 99 + npz[2099:]}
    for name, content in damaged.items():
        (folder / name).write_bytes(content)
    program = READ.format(folder=str(folder))
    assert python(program, fast=True) == python(program, fast=False)


WRITE = """
import gzip, zipfile, sys, zlib, random
data = random.Random(1).randbytes(3 << 20) + bytes(20 << 20)
with gzip.open({name!r}, "wb", compresslevel={level}) as file:
    for start in range(0, len(data), 1 << 20):
        file.write(data[start:start + (1 << 20)])
        if start == 5 << 20: file.flush()
with gzip.open({name!r}, "ab") as file: file.write(b"more")
with zipfile.ZipFile({name!r} + ".zip", "w", zipfile.ZIP_DEFLATED, compresslevel={level}) as archive:
    archive.writestr("a", data); archive.writestr("b", b"")
print(gzip.open({name!r}).read() == data + b"more", zipfile.ZipFile({name!r} + ".zip").testzip(), zlib.crc32(data))
"""


@pytest.mark.parametrize("level", [0, 1, 9])
def test_what_is_written_is_read_by_everybody(tmp_path: Path, level: int) -> None:
    written = {}
    for fast in (True, False):
        name = str(tmp_path / f"{fast}.gz")
        assert python(WRITE.format(name=name, level=level), fast).startswith("True None ")
        written[fast] = gzip.decompress(Path(name).read_bytes())
        with zipfile.ZipFile(name + ".zip") as archive:
            assert archive.testzip() is None and archive.namelist() == ["a", "b"]
        assert subprocess.run(["gzip", "-t", name], check=False).returncode == 0
        assert subprocess.run(["unzip", "-tqq", name + ".zip"], check=False).returncode == 0
    assert written[True] == written[False]


def test_another_sitecustomize_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('mine')\n")
    program = "import sys, sitecustomize; print(sitecustomize.__file__, [p for p in sys.path if 'fast_io' in p])"
    assert python(program, True, tmp_path) == python(program, False, tmp_path)
    (tmp_path / "sitecustomize.py").write_text("raise ImportError('mine', name='elsewhere')\n")
    assert python("print(1)", True, tmp_path) == "1\n"
