# https://www.commonwl.org/user_guide: steps hand on files
cwlVersion: v1.2
class: Workflow
inputs:
  programs: Directory
outputs:
  right: {type: File, outputSource: total/right}
steps:
  make:
    in: {programs: programs}
    out: [made]
    run:
      class: CommandLineTool
      baseCommand: python
      arguments: [$(inputs.programs.path)/make.py, one.npy]
      inputs: {programs: Directory}
      outputs: {made: {type: File, outputBinding: {glob: one.npy}}}
  add:
    in: {programs: programs, file: make/made}
    out: [made]
    run:
      class: CommandLineTool
      baseCommand: python
      arguments: [$(inputs.programs.path)/add.py, $(inputs.file.path), two.npy]
      inputs: {programs: Directory, file: File}
      outputs: {made: {type: File, outputBinding: {glob: two.npy}}}
  total:
    in: {programs: programs, file: add/made}
    out: [right]
    run:
      class: CommandLineTool
      baseCommand: python
      arguments: [$(inputs.programs.path)/total.py, $(inputs.file.path)]
      inputs: {programs: Directory, file: File}
      stdout: right
      outputs: {right: stdout}
