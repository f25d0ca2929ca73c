"""https://pydoit.org/dependencies.html: what a task makes are files, its targets."""

import os
import shlex
import sys

PROGRAMS = os.environ["PEERS_PROGRAMS"]


def command(name, *words):
    return shlex.join([sys.executable, f"{PROGRAMS}/{name}.py", *words])


def task_make():
    return {"actions": [command("make", "one.npy")], "targets": ["one.npy"]}


def task_add():
    return {"actions": [command("add", "one.npy", "two.npy")], "file_dep": ["one.npy"], "targets": ["two.npy"]}


def task_total():
    return {"actions": [command("total", "two.npy")], "file_dep": ["two.npy"]}
