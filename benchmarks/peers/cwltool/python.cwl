# https://www.commonwl.org/user_guide: command line tools as steps of a workflow
cwlVersion: v1.2
class: Workflow
inputs: []
outputs:
  end: {type: File, outputSource: three/end}
steps:
  one: {run: python-step.cwl, in: [], out: [end]}
  two: {run: python-step.cwl, in: {before: one/end}, out: [end]}
  three: {run: python-step.cwl, in: {before: two/end}, out: [end]}
