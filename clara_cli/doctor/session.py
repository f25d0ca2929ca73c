"""Whether a detached job outlives the logout of its user: logind.conf(5), loginctl(1)."""

from __future__ import annotations

import configparser
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from clara_cli.doctor.finding import Finding, Level

_PATIENCE = 5.0
_FOLDERS = ("usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd")


def check_session(root: Path = Path("/"), user: str | None = None) -> Iterator[Finding]:
    """Look at the login manager's settings; without one nothing ends processes at logout."""
    if not (root / "run/systemd/system").is_dir():
        yield Finding("logout", Level.OK, "no login manager ends processes here: detached jobs go on")
        return
    name = user or _user()
    settings = _logind(root)
    kills = settings.get("killuserprocesses", "no").lower() in ("yes", "true", "1", "on")
    spared = settings.get("killexcludeusers", "root").split()
    if not kills or name in spared:
        yield Finding("logout", Level.OK, "detached jobs go on when their user logs out")
        return
    how = "systemd-run --user --scope clara start job -j ID --detach"
    if _lingers(root, name):
        text = "at logout the login manager ends what runs in the session (KillUserProcesses=yes); lingering is on"
        yield Finding("logout", Level.WARNING, text, f"for jobs that go on: {how}")
    else:
        text = "at logout the login manager ends detached jobs too (KillUserProcesses=yes)"
        advice = f"loginctl enable-linger, then {how}; or KillUserProcesses=no in /etc/systemd/logind.conf"
        yield Finding("logout", Level.WARNING, text, advice)


def _user() -> str:
    import pwd

    with suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_name
    return str(os.geteuid())


def _logind(root: Path) -> dict[str, str]:
    """The settings under [Login], of the last file that has each; what cannot be read is left out."""
    found: dict[str, str] = {}
    files = [root / folder / "logind.conf" for folder in _FOLDERS]
    dropped = {path.name: path for folder in _FOLDERS for path in (root / folder / "logind.conf.d").glob("*.conf")}
    for path in (*files, *(dropped[name] for name in sorted(dropped))):
        parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
        with suppress(OSError, UnicodeDecodeError, configparser.Error):
            parser.read_string(path.read_text("utf-8"))
            if parser.has_section("Login"):
                found.update({key: value or "" for key, value in parser.items("Login")})
    return found


def _lingers(root: Path, user: str) -> bool:
    if (root / "var/lib/systemd/linger" / user).exists():
        return True
    with suppress(OSError, subprocess.SubprocessError):
        command = ["loginctl", "show-user", user, "--property=Linger", "--value"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
        return done.stdout.strip() == "yes"
    return False
