"""`clara doctor` finds what is really wrong: limits that are set, files that are broken, jobs that were killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Clara, Project, processes_of, wait_until

from clara_cli.database import MIGRATIONS
from clara_cli.doctor.filesystem import file_system
from clara_cli.doctor.finding import Level
from clara_cli.doctor.session import check_session

Shell = Callable[..., subprocess.CompletedProcess[str]]


def findings(clara: Clara, code: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    """What is found, by check and level."""
    found = json.loads(clara("doctor", "--output", "json", code=code).out)
    assert list(found) == ["ok", "findings"] and found["ok"] is (code == 0)
    assert {tuple(item) for item in found["findings"]} == {("check", "level", "text", "advice")}
    return {(item["check"], item["level"]): item for item in found["findings"]}


def test_a_sound_machine(clara: Clara, world: Path) -> None:
    found = findings(clara)
    checks = {check for check, _ in found}
    assert checks >= {
        *("configuration", "root", "file system", "free space", "database", "machine", "gpus", "shared memory"),
        *("open files", "processes", "name spaces", "logout", "containers", "python", "packages"),
    }
    assert not (world / "root").exists(), "a root was made"
    lines = clara("doctor").lines
    assert all(line.startswith(("ok ", "note ", "warning ", "error ", "   ")) for line in lines)
    for item in found.values():
        assert item["advice"] or item["level"] not in ("warning", "error"), item


def test_limits_that_make_jobs_fail(shell: Shell) -> None:
    done = shell("ulimit -n 40; clara doctor -q")
    assert (
        done.returncode == 1 and "error    open files     limit 40" in done.stdout and "ulimit -n 4096" in done.stdout
    )
    done = shell("ulimit -Sn 300; clara doctor -q")
    assert done.returncode == 0 and "warning  open files     limit 300" in done.stdout
    assert "limit 200 for the user" in shell("ulimit -Su 200; clara doctor").stdout


def test_a_root_that_cannot_be_used(shell: Shell, world: Path) -> None:
    (world / "closed").mkdir(mode=0o500)
    done = shell("CLARA_ROOT=$PWD/closed clara doctor -q; CLARA_ROOT=$PWD/closed/deeper clara doctor -q", cwd=world)
    assert f"error    root           {world}/closed cannot be written\n" in done.stdout
    assert f"{world}/closed/deeper cannot be made: {world}/closed cannot be written\n" in done.stdout
    assert done.returncode == 1 and done.stderr == ""


@pytest.mark.parametrize("text", ["start: wrong\n", "a: [\n"])
def test_a_configuration_that_is_wrong(clara: Clara, project: Project, text: str) -> None:
    project.configure(text)
    assert ("configuration", "error") in findings(clara, code=1)


def test_keys_that_are_not_known(clara: Clara, project: Project) -> None:
    project.configure("strat: attach\n")
    assert 'strat; did you mean "start"?' in findings(clara)["configuration", "warning"]["text"]


def test_mounts_that_are_required_and_cannot_be_made(shell: Shell) -> None:
    done = shell('CLARA_MOUNTS=require PATH="$(dirname $(command -v clara))" clara doctor -q')
    assert done.returncode == 1 and "mounts are required, and cannot be made: bubblewrap" in done.stdout
    done = shell('PATH="$(dirname $(command -v clara))" clara doctor')
    assert done.returncode == 0 and "note     name spaces    declared paths are not mounted" in done.stdout


def test_databases(clara: Clara, world: Path) -> None:
    clara("list", "jobs")
    assert findings(clara)["database", "ok"]["text"] == f"schema version {len(MIGRATIONS)}"
    import sqlite3
    from contextlib import closing

    path = world / "root" / "clara.db"
    for version, level, code in ((len(MIGRATIONS) + 1, "error", 1), (1, "note", 0)):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        assert f"schema version {version}" in findings(clara, code)["database", level]["text"]
    for name in ("clara.db-wal", "clara.db-shm"):
        (world / "root" / name).unlink(missing_ok=True)
    path.write_bytes(b"no database at all, not even a little" * 1000)
    assert "cannot be used" in findings(clara, 1)["database", "error"]["text"]


def test_jobs_without_a_runner_and_folders_without_a_record(clara: Clara, project: Project, world: Path) -> None:
    project.operator("slow", "import time\ntime.sleep(60)")
    job = clara.job(clara.pipeline(project.definition("- name: slow\n  container: {image: slow}\n", "0.4.0")))
    clara("start", "job", "-j", job, "--detach")
    wait_until(lambda: processes_of(job), "the operator")
    assert "1 started and not ended" in findings(clara)["jobs", "ok"]["text"]
    runner = next(pid for pid in _pids() if f"clara_cli.jobs.detached\0{job}".encode() in _cmdline(pid))
    os.kill(runner, signal.SIGKILL)
    found = wait_until(lambda: findings(clara).get(("jobs", "warning")), "the lock to be free")
    assert job in found["text"] and "--resume" in found["advice"]
    orphan = world / "root" / "payloads" / ("0" * 32)
    orphan.mkdir()
    assert orphan.name in findings(clara)["payloads", "warning"]["text"]
    clara("list", "jobs")  # what the advice says
    wait_until(lambda: not processes_of(job), "the operator's end")
    assert ("jobs", "warning") not in findings(clara)
    orphan.rmdir()
    (payload,) = (world / "root" / "payloads").glob("?" * 32)
    payload.rename(world / "elsewhere")
    assert job in findings(clara)["payloads", "warning"]["text"]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_file_systems(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    deep = tmp_path / "a b"
    deep.mkdir()
    place = str(deep).replace(" ", "\\040")
    table.write_text(
        "1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
        f"2 1 0:5 / {place} rw,noexec shared:1 - nfs4 server:/x rw\nnonsense\n"
    )
    assert file_system(tmp_path, table).kind == "ext4"
    found = file_system(deep, table)
    assert (found.kind, found.is_network, "noexec" in found.options) == ("nfs4", True, True)
    assert file_system(Path("/proc")).kind == "proc"


def test_what_happens_at_logout(tmp_path: Path) -> None:
    def level(user: str) -> Level:
        (finding,) = check_session(tmp_path, user)
        return finding.level

    assert level("ann") is Level.OK
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert level("ann") is Level.OK
    (tmp_path / "etc/systemd/logind.conf.d").mkdir(parents=True)
    (tmp_path / "etc/systemd/logind.conf").write_text("# comment\n[Login]\nKillUserProcesses=no\n")
    (tmp_path / "etc/systemd/logind.conf.d/50.conf").write_text("[Login]\nKillUserProcesses=yes\n")
    assert level("ann") is Level.WARNING and level("root") is Level.OK
    (finding,) = check_session(tmp_path, "ann")
    assert "enable-linger" in (finding.advice or "")
    (tmp_path / "var/lib/systemd/linger").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/linger/ann").touch()
    (finding,) = check_session(tmp_path, "ann")
    assert "lingering is on" in finding.text
    (tmp_path / "etc/systemd/logind.conf.d/60.conf").write_text("KillUserProcesses=no\n[\n")
    assert level("ann") is Level.WARNING


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from clara_cli.doctor import python

    required = ["click>=8.1.3", "no-such-package-here>=1", 'other; extra == "test"', "packaging>=9999"]
    monkeypatch.setattr(python.importlib.metadata, "requires", lambda _: required)
    (_, finding) = python.check_python()
    assert finding.level is Level.ERROR
    assert finding.text.startswith("no-such-package-here is missing; packaging is ")
    assert finding.advice is not None and "'no-such-package-here>=1' 'packaging>=9999'" in finding.advice
