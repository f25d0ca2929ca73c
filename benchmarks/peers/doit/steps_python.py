"""https://pydoit.org/tasks.html: actions that are Python functions run in doit's own process."""


def nothing():
    pass


def task_one():
    return {"actions": [nothing]}


def task_two():
    return {"actions": [nothing], "task_dep": ["one"]}


def task_three():
    return {"actions": [nothing], "task_dep": ["two"]}
