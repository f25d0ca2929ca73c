"""https://pydoit.org/tasks.html: actions that are commands, one task after another."""


def task_one():
    return {"actions": ["true"]}


def task_two():
    return {"actions": ["true"], "task_dep": ["one"]}


def task_three():
    return {"actions": ["true"], "task_dep": ["two"]}
