"""Placeholders: what fills them, when, and what is said when nothing does."""

from __future__ import annotations

import pytest
from unit.pipelines.definition_texts import UNTYPED_HEAD, brief, said, warned

from clara_cli.errors import DefinitionError
from clara_cli.pipelines import filling
from clara_cli.pipelines.load import Loaded, load_files
from clara_cli.pipelines.model import FastIOType

TEMPLATE = """\
api-version: 0.4.0
name: assembly
description: uses ${{ anything }}
parameters:
  IMAGE:
  TAG: 1.10
  GPUS: 1
  Source: mapper
  NOISE: 0.01
  FOLDER: /out
operators:
- name: mapper
  description: ${{ neither }} this
  container:
    image: ${{IMAGE}}
    tag: ${{ TAG }}
    command: [run, "-i ${{ folder }}/${{JOB_ID}} -n ${{NOISE}}"]
    variables: {LEVEL: "${{ NOISE }}"}
  variables: {description: "${{TAG}}"}
  requests:
    gpu: ${{GPUS}}
  output: [{path: "${{FOLDER}}/${{ JOB_ID }}"}]
- name: reader
  container: {image: clara/reader}
  input: [{from: "${{source}}", path: /in}]
"""
JOB = {"JOB_ID": "0123abcd", "JOB_NAME": "my job", "PAYLOAD_ID": "99", "PIPELINE_ID": "77"}
KNOWN = "JOB_ID, JOB_NAME, PAYLOAD_ID, PIPELINE_ID"


def at_creation(text: str, **values: str) -> Loaded:
    return load_files([("p.yaml", text.encode())], values)


def at_start(text: str, **values: str) -> Loaded:
    return load_files([("p.yaml", text.encode())], values, JOB)


def refused(text: str, **values: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        at_start(text, **values)
    return [brief(problem) for problem in caught.value.problems]


def test_everything_is_filled_at_the_start():
    mapper, reader = at_start(TEMPLATE, image="group/mapper").pipeline.operators
    assert (mapper.image, mapper.tag) == ("group/mapper", "1.10")
    assert mapper.command == ("run", "-i /out/0123abcd -n 0.01")
    assert mapper.variables == {"LEVEL": "0.01", "description": "1.10"}
    assert mapper.requests.gpu == 1
    assert mapper.outputs[0].path == "/out/0123abcd"
    assert mapper.description == "${{ neither }} this"
    assert reader.inputs[0].source == "mapper"


def test_what_comes_later_stays_as_it_is_written():
    loaded = at_creation(TEMPLATE)
    mapper, reader = loaded.pipeline.operators
    assert loaded.templated
    assert loaded.parameters == {
        "IMAGE": None, "TAG": "1.10", "GPUS": "1", "Source": "mapper", "NOISE": "0.01", "FOLDER": "/out",
    }  # fmt: skip
    assert (mapper.image, mapper.tag) == ("${{IMAGE}}", "1.10")
    assert mapper.outputs[0].path == "${{FOLDER}}/${{ JOB_ID }}"
    assert reader.inputs[0].source == "mapper"


def test_a_definition_without_placeholders_is_none():
    assert not at_creation(UNTYPED_HEAD + "- {name: a, container: {image: i}}\n").templated
    loaded = at_creation("parameters: {A: 1}\n" + UNTYPED_HEAD + "- {name: a, container: {image: i}}\n")
    assert (loaded.templated, loaded.parameters) == (False, {"A": "1"})


def test_a_value_given_wins_over_the_default_and_a_parameter_over_the_jobs_name():
    text = "parameters: {JOB_ID: mine, job_name: }\n" + UNTYPED_HEAD
    text += "- name: a\n  container: {image: i, command: ['${{JOB_ID}} ${{JOB_NAME}} ${{payload_id}}']}\n"
    assert at_start(text).pipeline.operators[0].command == ("mine my job 99",)
    assert at_start(text, job_id="given").pipeline.operators[0].command == ("given my job 99",)


def test_types_are_checked_after_substitution():
    assert refused(TEMPLATE, IMAGE="i", GPUS="many") == [
        '21:10: gpu: found "many", expected a whole number from 0 to 2147483647'
    ]
    assert refused(TEMPLATE, IMAGE="i", FOLDER="out", Source="nobody") == [
        '22:19: path: found "out/0123abcd", expected an absolute path, such as /input',
        '25:18: from: there is no operator "nobody" | operators are mapper, reader',
    ]
    assert at_start(TEMPLATE, IMAGE="i", GPUS="007").pipeline.operators[0].requests.gpu == 7


def test_numbers_lists_and_types():
    text = (
        "api-version: ${{V}}\nname: p\nparameters: {V: 0.5.0, N: -1, K: array, E: u8, T: 30, P: 8000}\n"
        "timeout: ${{T}}\n"
        "operators:\n- name: a\n  timeout: ${{T}}\n  container: {image: i}\n  output:\n"
        "  - {name: x, type: '${{K}}', element-type: '${{E}}', shape: [2, '${{N}}']}\n"
        "  services:\n  - name: s\n    container: {image: i}\n    connections: {http: [{name: U, port: '${{P}}'}]}\n"
    )
    pipeline = at_start(text).pipeline
    assert pipeline.operators[0].outputs[0].fastio == FastIOType("uint8", (2, -1))
    assert (pipeline.timeout, pipeline.operators[0].timeout) == (30, 30)
    assert pipeline.operators[0].services[0].connections[0].port == 8000


@pytest.mark.parametrize("value", ["null", "~", "", "on", "0x10", "1e3", "a: b", " x ", "ä'\"\n", "${{ TAG }}", "$(A)"])
def test_values_reach_variables_as_they_are(value):
    variables = at_start(TEMPLATE, IMAGE="i", NOISE=value).pipeline.operators[0].variables
    assert variables["LEVEL"] == value


def test_all_that_nothing_fills_is_told_at_once():
    text = TEMPLATE.replace("/reader}", "/reader, tag: '${{ TAGG }}', command: ['${{ a b }} ${{ ', '${{x}}${{y}}']}")
    names = f"IMAGE, TAG, GPUS, Source, NOISE, FOLDER, {KNOWN}"
    assert refused(text) == [
        "15:12: nothing fills ${{ IMAGE }}: the parameter has neither a value nor a default"
        " | give it a value: --set IMAGE=VALUE",
        f'24:41: nothing fills ${{{{ TAGG }}}}: known names are {names} | did you mean "TAG"?',
        '24:66: "a b" in a placeholder is no name | write ${{ NAME }}',
        "24:66: a placeholder begins here and does not end | write ${{ NAME }}",
        f"24:85: nothing fills ${{{{ x }}}}: known names are {names} | declare it in parameters",
        f"24:85: nothing fills ${{{{ y }}}}: known names are {names} | declare it in parameters",
    ]


def test_a_name_that_nobody_knows_is_an_error_at_creation_too():
    assert said(UNTYPED_HEAD + "- {name: a, container: {image: '${{ IMAGE }}'}}\n") == [
        f"4:32: nothing fills ${{{{ IMAGE }}}}: known names are {KNOWN} | declare it in parameters"
    ]


def test_values_for_names_that_are_not_declared():
    assert refused(TEMPLATE, IMAGE="i", TAGS="2", Whatever="3") == [
        '4:1: a value is given for "TAGS", which is no parameter of the pipeline;'
        ' its parameters are IMAGE, TAG, GPUS, Source, NOISE, FOLDER | did you mean "TAG"?',
        '4:1: a value is given for "Whatever", which is no parameter of the pipeline;'
        " its parameters are IMAGE, TAG, GPUS, Source, NOISE, FOLDER",
    ]
    assert refused(UNTYPED_HEAD + "- {name: a, container: {image: i}}\n", JOB_ID="1") == [
        '1:1: a value is given for "JOB_ID", which is no parameter of the pipeline; it has no parameters'
    ]
    assert "NUL" in refused(TEMPLATE, IMAGE="a\0b")[0]


def test_wrong_declarations():
    text = UNTYPED_HEAD + "- {name: a, container: {image: i}}\n"
    assert said(text + "parameters: {A: 1, a: 2, B: '${{A}}', C: [1]}\n") == [
        '5:20: a second parameter "a"; upper and lower case count as the same',
        "5:29: the default of a parameter holds no placeholder | use both placeholders where the value is needed",
        "5:42: C: found a list, expected a single value, the parameter's default",
    ]


def test_a_text_where_a_list_has_to_stand_is_wrong_whatever_it_will_be():
    text = "parameters: {C: }\n" + UNTYPED_HEAD + "- name: a\n  container: {image: i, command: '${{C}}'}\n"
    assert said(text)[0].startswith('6:34: command: found "${{C}}", expected a list')


def test_keys_hold_no_placeholders():
    text = "parameters: {K: A}\n" + UNTYPED_HEAD + "- name: a\n  container: {image: i}\n"
    assert said(text + "  variables: {'${{K}}': 1}\n")[0].startswith('7:15: name of a value: found "${{K}}"')


def test_parameters_of_an_operator_come_before_those_of_the_pipeline():
    text = "parameters: {A: pipeline, B: pipeline, C: pipeline}\n" + UNTYPED_HEAD
    text += "- name: a\n  parameters: {a: own, C: }\n  container: {image: i, command: ['${{A}} ${{B}} ${{C}}']}\n"
    text += "- name: b\n  container: {image: i, command: ['${{A}}']}\n"
    assert [operator.command for operator in at_start(text).pipeline.operators] == [
        ("own pipeline pipeline",), ("pipeline",),
    ]  # fmt: skip
    assert at_start(text, A="given").pipeline.operators[0].command == ("given pipeline pipeline",)


def test_names_of_operators_may_come_later():
    text = "parameters: {N: }\n" + UNTYPED_HEAD + "- {name: '${{N}}', container: {image: i}, output: [{path: /o}]}\n"
    text += "- name: b\n  container: {image: i}\n  input: [{from: x, path: /i}]\n"
    assert [operator.name for operator in at_creation(text).pipeline.operators] == ["${{N}}", "b"]
    assert at_start(text, N="X").pipeline.operators[1].inputs[0].source == "X"
    assert "there is no operator" in refused(text, N="y")[0]


def test_an_aliased_part_is_filled_where_it_stands():
    text = "parameters: {A: 1}\n" + UNTYPED_HEAD
    text += "- name: a\n  container: &c {image: i, command: ['${{A}}']}\n- {name: b, container: *c}\n"
    assert [operator.command for operator in at_start(text).pipeline.operators] == [("1",), ("1",)]
    assert warned(text) == []


def test_filled_texts_are_bounded(monkeypatch):
    monkeypatch.setattr(filling, "MAX_BYTES", 1000)
    assert "more than 1000 characters" in refused(TEMPLATE, IMAGE="x" * 2000)[0]
