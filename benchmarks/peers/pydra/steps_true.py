"""https://nipype.github.io/pydra 0.25: ShellCommandTask, tasks of a workflow."""

from pydra import ShellCommandTask, Submitter, Workflow
from pydra.engine.specs import ShellSpec, SpecInfo

if __name__ == "__main__":
    after = SpecInfo(
        name="Input",
        fields=[("before", int, {"help_string": "what the step before returned"})],
        bases=(ShellSpec,),
    )
    workflow = Workflow(name="steps", input_spec=["x"], x=1, cache_dir="cache")
    workflow.add(ShellCommandTask(name="one", executable="true"))
    workflow.add(
        ShellCommandTask(name="two", executable="true", input_spec=after, before=workflow.one.lzout.return_code)
    )
    workflow.add(
        ShellCommandTask(name="three", executable="true", input_spec=after, before=workflow.two.lzout.return_code)
    )
    workflow.set_output([("end", workflow.three.lzout.return_code)])
    with Submitter(plugin="cf") as submitter:
        submitter(workflow)
    assert workflow.result().output.end == 0
