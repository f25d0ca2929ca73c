cwlVersion: v1.2
class: CommandLineTool
baseCommand: "true"
inputs:
  before: File?
stdout: end
outputs:
  end: stdout
