"""Definitions the tests of this folder start from, and how they look at what is wrong with one."""

from __future__ import annotations

import pytest

from clara_cli.errors import DefinitionError
from clara_cli.pipelines.load import Loaded, check

# The walkthrough's chain: files → two arrays → files, compared with the first files.
WALKTHROUGH = """\
api-version: 0.5.0
orchestrator: Clara
name: fastio-passthrough-dynamic-pipeline
operators:
- name: nifti-to-fastio
  description: Puts an image into shared memory.
  container:
    image: clara/nifti-to-fastio
    tag: latest
  input:
  - path: /input
    type: stream
    element-type: nifti
  output:
  - name: segmentation
    type: array
    element-type: float32
    shape: [1, -1, -1, -1]
  - name: segmentation_shape
    type: array
    element-type: int32
    shape: [4]
- name: fastio-to-npz
  description: Writes the image as a numpy file.
  container:
    image: clara/fastio-to-npz
    tag: latest
  input:
  - from: nifti-to-fastio
    name: segmentation
    type: array
    element-type: float32
    shape: [1, -1, -1, -1]
  - from: nifti-to-fastio
    name: segmentation_shape
    type: array
    element-type: int32
    shape: [4]
  output:
  - name: numpy_npz
    path: /output
    type: stream
    element-type: npz
- name: compare-original-to-output
  description: Compares both.
  container:
    image: clara/compare-input-to-npz
    tag: latest
  input:
  - path: /input
    type: stream
    element-type: nifti
  - from: fastio-to-npz
    name: numpy_npz
    path: /npz
    type: stream
    element-type: npz
  output:
  - name: truth-val
    path: /output
    type: stream
    element-type: txt
"""

# One unnamed output, a payload input deep in the graph, fan-in, texts that look like numbers.
UNTYPED = """\
#!/bin/bash
api-version: 0.4.0
name: COVID-19-like
pull-secrets:
  - ngc-clara
operators:
  - name: writer
    container:
      image: clara/dicom-writer
      tag: 18.04
      command: ["/bin/bash", "-c", 'run $(NAME) $NAME', 8]
      variables:
        TRACE: 1.10
        LABELS: '[\\"Lung\\"]'
    variables:
      TRACE: 0.30
      EMPTY:
      ON: on
    requests: {cpu: 4, gpu: "1", memory: 8192}
    input:
      - from: Reader
        path: /input/
      - path: /dicom
    output:
      - path: /output
        name: dicom
      - path: /logs
        name: logs
  - name: reader
    container:
      image: nvcr.io/nvidia/clara/dicom-reader
    input:
      - path: /input
    output:
      - path: /output
  - name: register
    container: {image: clara/register}
    input:
      - {from: writer, name: DICOM, path: /a}
      - {from: writer, path: /b}
"""

HELLO = """\
api-version: 0.3.0
name: hello
operators:
- name: whale
  container: {image: docker/whalesay, command: [cowsay, hello]}
"""

ALL_TYPES = """\
api-version: 0.7.2
orchestrator: CLARA
name: all-types
timeout: "90"
operators:
- name: maker
  container: {image: a}
  input:
  - {path: /scan, type: stream, element-type: dicom}
  output:
  - {name: text, type: string}
  - {name: score, type: f32}
  - {name: volume, type: array, element-type: u8, shape: [0, 3]}
  - {name: files, path: /files, type: stream, element-type: my kind}
  - {name: plain, path: /plain}
- name: taker
  container: {image: a}
  input:
  - {from: MAKER, name: Text, type: array, element-type: uint8, shape: [-1]}
  - {from: maker, name: score, type: array, element-type: float32, shape: [1]}
  - {from: maker, name: volume, type: array, element-type: uint8, shape: [512, -1]}
  - {from: maker, name: files, path: /in, type: stream, element-type: my kind}
  - {from: maker, name: plain, path: /plain}
"""

VALID = {"walkthrough": WALKTHROUGH, "untyped": UNTYPED, "hello": HELLO, "all types": ALL_TYPES}

TYPED_HEAD = "api-version: 0.5.0\nname: p\noperators:\n"
UNTYPED_HEAD = "api-version: 0.4.0\nname: p\noperators:\n"


def loaded(text: str | bytes) -> Loaded:
    return check("p.yaml", text.encode() if isinstance(text, str) else text)


def refused(text: str | bytes) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        loaded(text)
    assert caught.value.problems
    return caught.value


def said(text: str | bytes) -> list[str]:
    """`line:column: message` of each problem of a wrong definition, in the order of the message."""
    return [brief(problem) for problem in refused(text).problems]


def warned(text: str) -> list[str]:
    return [brief(problem) for problem in loaded(text).warnings]


def brief(problem) -> str:
    hint = f" | {problem.hint}" if problem.hint else ""
    assert problem.place == f"p.yaml:{problem.line}:{problem.column}"
    return f"{problem.line}:{problem.column}: {problem.message}{hint}"
