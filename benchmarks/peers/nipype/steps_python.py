"""https://nipype.readthedocs.io: functions as nodes of a workflow, in Nipype's own process."""

from nipype import Function, Node, Workflow


def nothing(x):
    return x


workflow = Workflow("steps", base_dir=".")
one, two, three = (Node(Function(["x"], ["y"], nothing), name) for name in ("one", "two", "three"))
one.inputs.x = 1
workflow.connect([(one, two, [("y", "x")]), (two, three, [("y", "x")])])
workflow.run()
