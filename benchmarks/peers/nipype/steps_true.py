"""https://nipype.readthedocs.io: command lines as nodes of a workflow, run one after another."""

from nipype import Node, Workflow
from nipype.interfaces.base import CommandLine, CommandLineInputSpec, TraitedSpec, traits


class Input(CommandLineInputSpec):
    before = traits.Int(desc="what the step before returned")


class Output(TraitedSpec):
    after = traits.Int()


class Step(CommandLine):
    _cmd = "true"
    input_spec = Input
    output_spec = Output

    def _list_outputs(self):
        return {"after": 0}


workflow = Workflow("steps", base_dir=".")
one, two, three = (Node(Step(), name) for name in ("one", "two", "three"))
workflow.connect([(one, two, [("after", "before")]), (two, three, [("after", "before")])])
workflow.run()
