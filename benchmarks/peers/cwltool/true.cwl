# https://www.commonwl.org/user_guide: command line tools as steps of a workflow
cwlVersion: v1.2
class: Workflow
inputs: []
outputs:
  end: {type: File, outputSource: three/end}
steps:
  one: {run: true-step.cwl, in: [], out: [end]}
  two: {run: true-step.cwl, in: {before: one/end}, out: [end]}
  three: {run: true-step.cwl, in: {before: two/end}, out: [end]}
