"""https://nipype.github.io/pydra 0.25: functions as tasks of a workflow."""

from pydra import Submitter, Workflow, mark


@mark.task
def nothing(x: int) -> int:
    return x


if __name__ == "__main__":
    workflow = Workflow(name="steps", input_spec=["x"], x=1, cache_dir="cache")
    workflow.add(nothing(name="one", x=workflow.lzin.x))
    workflow.add(nothing(name="two", x=workflow.one.lzout.out))
    workflow.add(nothing(name="three", x=workflow.two.lzout.out))
    workflow.set_output([("end", workflow.three.lzout.out)])
    with Submitter(plugin="cf") as submitter:
        submitter(workflow)
    assert workflow.result().output.end == 1
