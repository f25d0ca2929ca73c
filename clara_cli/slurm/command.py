"""Calls of Slurm's own commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from clara_cli.errors import RuntimeFailure

# Seconds: a controller that does not answer is tried again by the commands themselves for some time.
PATIENCE = 60.0
# What a job sees of the environment of whoever submits it: Slurm hands it on, and clara hands on the rest itself.
_HANDED_ON = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "SLURM_CONF", "LD_LIBRARY_PATH")
_HANDED_ON_PREFIXES = ("LC_", "SBATCH_")


class SlurmRefusal(RuntimeFailure):
    """Slurm answered, and would not do it."""


class SlurmSilence(RuntimeFailure):
    """Slurm did not answer: its commands are missing, or its controller cannot be reached."""


def ask(words: Sequence[str], given: str = "", seconds: float = PATIENCE) -> str:
    """What a command of Slurm says.

    Args:
        given: its stdin.

    Raises:
        SlurmSilence: it cannot be run, or its controller does not answer.
        SlurmRefusal: it ended with an error, whose text is the message.
    """
    try:
        done = subprocess.run(
            words,
            input=given,
            env=_environment(),
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise SlurmSilence(
            f"there is no program {words[0]}: Slurm's commands are not installed here",
            hint="use a machine from which jobs of the cluster are submitted, or --engine local",
        ) from None
    except subprocess.TimeoutExpired:
        raise SlurmSilence(f"{words[0]} did not answer within {seconds:g} s", hint="sinfo says how Slurm is") from None
    except OSError as error:
        raise SlurmSilence(f"{words[0]} cannot be run: {error.strerror}") from error
    if done.returncode == 0:
        return done.stdout
    said = _said(done.stderr or done.stdout) or f"{words[0]} ended with status {done.returncode}"
    if _is_silence(said):
        raise SlurmSilence(f"Slurm does not answer: {said}", hint="sinfo says how Slurm is")
    raise SlurmRefusal(said)


def _environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if name in _HANDED_ON or name.startswith(_HANDED_ON_PREFIXES)
    }


def _said(text: str) -> str:
    """What a command said, on one line, without its own name before each part."""
    parts = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(part.split(": error: ", 1)[-1].split(": fatal: ", 1)[-1] for part in parts)


def _is_silence(said: str) -> bool:
    signs = ("unable to contact", "connection refused", "connect failure", "socket timed out", "configuration source")
    return any(sign in said.lower() for sign in signs)
