"""What Slurm knows of jobs: one call of squeue for all of them, one of sacct for those that squeue has forgotten."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from clara_cli.errors import RuntimeFailure
from clara_cli.slurm.command import SlurmRefusal, SlurmSilence, ask
from clara_cli.slurm.states import Seen

# Seconds; whoever looks can look again.
_PATIENCE = 20.0
_FIELDS = "JobArrayID: |,State: |,Reason: |,NodeList: |,exit_code: "


def look(remotes: Iterable[str]) -> dict[str, Seen]:
    """What Slurm says of jobs, by its own ids, such as `12` or `12_3`; those that it does not know are left out.

    Raises:
        SlurmSilence: it does not answer.
        SlurmRefusal: it does not understand.
    """
    wanted = set(remotes)
    words = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.geteuid()}", f"--Format={_FIELDS}"]
    known = read_squeue(ask(words, seconds=_PATIENCE))
    missing = sorted(wanted - known.keys())
    if missing:
        known.update(_remembered(missing))
    return {remote: seen for remote, seen in known.items() if remote in wanted}


def read_squeue(text: str) -> dict[str, Seen]:
    """The answer of squeue in the format that `look` asks for."""
    found = {}
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 5:
            remote, state, reason, node, status = parts
            found[remote] = Seen(state, _word(reason), _word(node), _code(status))
    return found


def _remembered(remotes: list[str]) -> dict[str, Seen]:
    """What the accounting knows, where the cluster has one."""
    words = ["sacct", "--noheader", "--parsable2", "--allocations", "--format=JobID,State,Reason,NodeList,ExitCode"]
    try:
        return read_sacct(ask([*words, f"--jobs={','.join(remotes)}"], seconds=_PATIENCE))
    except (SlurmRefusal, SlurmSilence):
        return {}


def read_sacct(text: str) -> dict[str, Seen]:
    """The answer of sacct in the format that `_remembered` asks for."""
    found = {}
    for line in text.splitlines():
        parts = line.split("|")
        if len(parts) == 5:
            remote, state, reason, node, status = parts
            code = status.partition(":")[0]
            # `CANCELLED by 1000` says who.
            word = state.split()[0] if state.split() else ""
            found[remote] = Seen(word, _word(reason), _word(node), int(code) if code.isdigit() else None)
    return found


def _word(text: str) -> str:
    return "" if text in ("None", "None assigned", "(null)", "N/A") else text


def _code(status: str) -> int | None:
    """The exit status in what wait(2) gives, or in `status:signal`."""
    before, colon, _ = status.partition(":")
    if not before.isdigit():
        return None
    return int(before) if colon else int(before) >> 8 & 0xFF


def check_answers() -> None:
    """Raise SlurmSilence when Slurm does not answer."""
    with suppress(SlurmRefusal):
        ask(["sinfo", "--noheader", "--format=%P"], seconds=_PATIENCE)


def largest_node(partition: str | None) -> tuple[int, int] | None:
    """Cores and megabytes that the nodes of a partition have at the most, each; None where Slurm does not say.

    Args:
        partition: None for the cluster's default one.
    """
    # Without --exact nodes of several sizes are one line, with the least of them.
    words = ["sinfo", "--noheader", "--exact", "--format=%P|%c|%m"]
    try:
        lines = ask([*words, *([f"--partition={partition}"] if partition else [])], seconds=_PATIENCE).splitlines()
    except RuntimeFailure:
        return None
    rows = [line.split("|") for line in lines if line.count("|") == 2]
    if partition is None:
        rows = [row for row in rows if row[0].endswith("*")]
    sizes = [
        (int(cores.rstrip("+")), int(memory.rstrip("+"))) for _, cores, memory in rows if cores.rstrip("+").isdigit()
    ]
    return (max(cores for cores, _ in sizes), max(memory for _, memory in sizes)) if sizes else None
