"""Every form of the language in every version that has it."""

from __future__ import annotations

import pytest
from unit.pipelines.definition_texts import UNTYPED, loaded, said, warned

from clara_cli.pipelines.model import Connection, Requests, Service

FOLDERS = "name: p\noperators:\n- name: a\n  container: {image: i}\n  output: [{path: /o}]\n"
TYPED = "name: p\noperators:\n- name: a\n  container: {image: i}\n  output: [{name: x, type: u8}]\n"
SERVICES = """\
  services:
  - name: trtis
    description: Holds the models.
    container: {image: group/trtis, tag: 19.10, command: [serve, 8000], variables: {A: 1, B: 1}}
    variables: {B: 1.10}
    requests: {cpu: 2, gpu: 1, memory: "4096"}
    connections:
      http: [{name: URI, port: 8000}, {name: OTHER}]
      file: [{name: FILE, path: /files/}]
      volume: [{name: FOLDER, path: /models}]
"""


@pytest.mark.parametrize("version", ["0.2.0", "0.2", "0.3.0", "0.4.0", "0.4.7", "0.4"])
@pytest.mark.parametrize("orchestrator", ["", "orchestrator: Argo\n", "orchestrator: clara\n"])
def test_folders_up_to_0_4(version, orchestrator):
    assert loaded(f"api-version: {version}\n{orchestrator}{FOLDERS}").pipeline.api_version == version
    assert "need api-version 0.5.0" in said(f"api-version: {version}\n{orchestrator}{TYPED}")[0]


@pytest.mark.parametrize("version", ["0.5.0", "0.5", "0.6.0", "0.6.2", "0.7.0", "0.7"])
def test_types_from_0_5(version):
    assert loaded(f"api-version: {version}\n{TYPED}").pipeline.operators[0].has_fastio
    assert "Argo runs pipelines without types only" in said(f"api-version: {version}\norchestrator: Argo\n{TYPED}")[0]


@pytest.mark.parametrize("version", ["0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0"])
def test_services_models_and_time_limits_in_every_version(version):
    text = f"api-version: {version}\n{TYPED if version >= '0.5' else FOLDERS}{SERVICES}"
    text += "  models: [{name: m}, {name: n}, {name: m}]\n  timeout: 20\ntimeout: 600\n"
    pipeline = loaded(text).pipeline
    (operator,) = pipeline.operators
    assert operator.services == (
        Service(
            name="trtis", image="group/trtis", tag="19.10", command=("serve", "8000"),
            connections=(
                Connection("URI", "http", 8000), Connection("OTHER"), Connection("FILE", "file", path="/files"),
                Connection("FOLDER", "volume", path="/models"),
            ),
            variables={"A": "1", "B": "1.10"}, requests=Requests(2, 1, 4096), description="Holds the models.",
        ),
    )  # fmt: skip
    assert (operator.models, operator.timeout, pipeline.timeout) == (("m", "n"), 20, 600)
    assert warned(text) == []


def test_the_other_spelling_of_models():
    text = "api-version: 0.6.0\n" + TYPED + "  model: [{name: m}]\n"
    assert loaded(text).pipeline.operators[0].models == ("m",)
    assert warned(text) == ['7:3: key "model" is another spelling; write models']


@pytest.mark.parametrize("empty", ["models:", "models: []", "services:", "services: []", "variables:", "requests:"])
def test_what_is_empty_asks_for_nothing(empty):
    operator = loaded(f"{FOLDERS}  {empty}\n").pipeline.operators[0]
    assert (operator.models, operator.services, operator.variables, operator.requests) == ((), (), {}, Requests())


@pytest.mark.parametrize(
    "more, expected",
    [
        ("  timeout: 0\n", "6:12: timeout: found 0, expected a whole number from 1 to 2147483647"),
        ("timeout: 1.5\n", "6:10: timeout: found 1.5, expected a whole number from 1 to 2147483647"),
        ("  models: [m]\n", '6:12: models: found "m", expected a mapping'),
        ("  models: [{nam: m}]\n", '6:12: model 1 of operator "a" has no "name"'),
        ("  services: [{name: s}]\n", '6:14: service 1 of operator "a" has no "container"'),
        ("  services: [{name: s, container: {}}]\n", '6:35: container of service 1 of operator "a" has no "image"'),
        ("  services: [{name: s, container: {image: i}, connections: {http: [{port: 8000}]}}]\n",
         '6:68: http connection 1 of service 1 of operator "a" has no "name"'),
        ("  services: [{name: s, container: {image: i}, connections: {volume: [{name: a, path: b}]}}]\n",
         '6:86: path: found "b", expected an absolute path, such as /input'),
    ],
)  # fmt: skip
def test_messages(more, expected):
    assert said(FOLDERS + more)[0] == expected


def test_oddities_of_real_files():
    odd = (
        UNTYPED.replace("name: COVID", "name: COVID")
        .replace("\n", "  \r\n")
        .replace("tag: 18.04", "tag: 18.04\t# a\tb")
    )
    content = b"\xef\xbb\xbf" + odd.encode()
    assert loaded(content).pipeline == loaded(UNTYPED).pipeline
