"""The schemas by themselves, as an editor uses them: plain `jsonschema`, no code of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from unit.pipelines.definition_texts import VALID

from clara_cli.errors import DefinitionError
from clara_cli.pipelines.document import read_document
from clara_cli.pipelines.load import load_files
from clara_cli.pipelines.schema_files import PIPELINE, resolve, schemas
from clara_cli.pipelines.types import PRIMITIVES

PUBLISHED = Path(__file__).parents[2] / "definitions"


def editor(schema):
    """What an editor checks a file with."""
    pairs = [(name, DRAFT202012.create_resource(schema)) for name, schema in schemas().items()]
    return Draft202012Validator(schemas()[schema], registry=Registry().with_resources(pairs))


@pytest.fixture(scope="module")
def validator():
    return editor(PIPELINE)


def operator(**keys):
    return {"name": "a", "container": {"image": "i"}, **keys}


def pipeline(*operators, **keys):
    return {"name": "p", "operators": list(operators) or [operator()], **keys}


def container(**keys):
    return pipeline(operator(container={"image": "i", **keys}))


def untyped(**item):
    return pipeline(operator(input=[item]))


def typed(version="0.5.0", **item):
    return pipeline(operator(input=[item]), **{"api-version": version})


def typed_output(**item):
    return pipeline(operator(output=[item]), **{"api-version": "0.5.0"})


def service(**keys):
    return pipeline(operator(services=[{"name": "s", "container": {"image": "i"}, **keys}]))


STREAM = {"path": "/in", "type": "stream", "element-type": "dicom"}
ARRAY = {"type": "array", "element-type": "f32", "shape": [1]}
OP = ["operators", 0]
IN = [*OP, "input", 0]

# rule → (document that breaks it alone, keyword of the schema, path of the value)
BROKEN = {
    "root": ([], "type", []),
    "name": ({"operators": [operator()]}, "required", []),
    "operators": ({"name": "p"}, "required", []),
    "name kind": (pipeline(name=["p"]), "type", ["name"]),
    "name pattern": (pipeline(name="a b"), "pattern", ["name"]),
    "name length": (pipeline(name="a" * 256), "pattern", ["name"]),
    "version kind": (pipeline(**{"api-version": []}), "type", ["api-version"]),
    "version known": (pipeline(**{"api-version": "0.8.0"}), "pattern", ["api-version"]),
    "version number": (pipeline(**{"api-version": 0.1}), "minimum", ["api-version"]),
    "orchestrator kind": (pipeline(orchestrator=1), "type", ["orchestrator"]),
    "orchestrator": (pipeline(orchestrator="Slurm"), "pattern", ["orchestrator"]),
    "description": (pipeline(description=[]), "type", ["description"]),
    "pull-secrets": (pipeline(**{"pull-secrets": "x"}), "type", ["pull-secrets"]),
    "pull-secret": (pipeline(**{"pull-secrets": [[]]}), "type", ["pull-secrets", 0]),
    "timeout kind": (pipeline(timeout=1.5), "type", ["timeout"]),
    "timeout low": (pipeline(timeout=0), "minimum", ["timeout"]),
    "timeout high": (pipeline(timeout=2**31), "maximum", ["timeout"]),
    "operator timeout": (pipeline(operator(timeout=0)), "minimum", [*OP, "timeout"]),
    "timeout text": (pipeline(timeout="soon"), "pattern", ["timeout"]),
    "parameters": (pipeline(parameters=[]), "type", ["parameters"]),
    "parameter name": (pipeline(parameters={"a b": 1}), "pattern", ["parameters"]),
    "parameter": (pipeline(parameters={"a": []}), "type", ["parameters", "a"]),
    "operators kind": ({"name": "p", "operators": {}}, "type", ["operators"]),
    "no operators": ({"name": "p", "operators": []}, "minItems", ["operators"]),
    "operator kind": (pipeline("a"), "type", OP),
    "operator name": (pipeline({"container": {"image": "i"}}), "required", OP),
    "operator container": (pipeline({"name": "a"}), "required", OP),
    "operator name pattern": (pipeline(operator(name="..")), "pattern", [*OP, "name"]),
    "container kind": (pipeline(operator(container="i")), "type", [*OP, "container"]),
    "image": (pipeline(operator(container={})), "required", [*OP, "container"]),
    "image kind": (container(image=None), "type", [*OP, "container", "image"]),
    "image empty": (container(image=""), "minLength", [*OP, "container", "image"]),
    "tag kind": (container(tag=[]), "type", [*OP, "container", "tag"]),
    "tag": (container(tag="a b"), "pattern", [*OP, "container", "tag"]),
    "command": (container(command="ls -l"), "type", [*OP, "container", "command"]),
    "command item": (container(command=[{}]), "type", [*OP, "container", "command", 0]),
    "container variables": (container(variables=1), "type", [*OP, "container", "variables"]),
    "variables": (pipeline(operator(variables=[])), "type", [*OP, "variables"]),
    "variable name": (pipeline(operator(variables={"A=B": 1})), "pattern", [*OP, "variables"]),
    "variable": (pipeline(operator(variables={"A": {}})), "type", [*OP, "variables", "A"]),
    "requests": (pipeline(operator(requests=[])), "type", [*OP, "requests"]),
    "cpu": (pipeline(operator(requests={"cpu": 0})), "minimum", [*OP, "requests", "cpu"]),
    "gpu": (pipeline(operator(requests={"gpu": -1})), "minimum", [*OP, "requests", "gpu"]),
    "gpu text": (pipeline(operator(requests={"gpu": "-1"})), "pattern", [*OP, "requests", "gpu"]),
    "memory": (pipeline(operator(requests={"memory": "8GB"})), "pattern", [*OP, "requests", "memory"]),
    "input": (pipeline(operator(input={})), "type", [*OP, "input"]),
    "output": (pipeline(operator(output="x")), "type", [*OP, "output"]),
    "input item": (pipeline(operator(input=["x"])), "type", IN),
    "untyped path": (untyped(), "required", IN),
    "path kind": (untyped(path=1), "type", [*IN, "path"]),
    "relative path": (untyped(path="in"), "pattern", [*IN, "path"]),
    "from kind": (untyped(path="/in", **{"from": []}), "type", [*IN, "from"]),
    "from empty": (untyped(path="/in", **{"from": ""}), "minLength", [*IN, "from"]),
    "label": (untyped(path="/in", name="a b"), "pattern", [*IN, "name"]),
    "type before 0.5.0": (untyped(path="/in", type="stream"), "not", [*IN, "type"]),
    "shape before 0.5.0": (untyped(path="/in", shape=[1]), "not", [*IN, "shape"]),
    "element-type before 0.5.0": (untyped(path="/in", **{"element-type": "u8"}), "not", [*IN, "element-type"]),
    "format before 0.5.0": (untyped(path="/in", format="dicom"), "not", [*IN, "format"]),
    "no type at 0.5.0": (typed(path="/in"), "required", IN),
    "no type, no path": (typed("0.6.0"), "required", IN),
    "shape without type": (typed("0.7.0", path="/in", shape=[1]), "not", [*IN, "shape"]),
    "type": (typed(type="arry"), "enum", [*IN, "type"]),
    "stream path": (typed(type="stream", **{"element-type": "x"}), "required", IN),
    "stream element-type": (typed(type="stream", path="/in"), "required", IN),
    "stream element-type empty": (typed(**{**STREAM, "element-type": ""}), "minLength", [*IN, "element-type"]),
    "stream shape": (typed(**STREAM, shape=[1]), "not", [*IN, "shape"]),
    "array element-type": (typed(type="array", shape=[1]), "required", IN),
    "array shape": (typed(type="array", **{"element-type": "f32"}), "required", IN),
    "array primitive": (typed(**{**ARRAY, "element-type": "float"}), "enum", [*IN, "element-type"]),
    "array path": (typed(**ARRAY, path="/in"), "not", [*IN, "path"]),
    "array format": (typed(**ARRAY, format="dicom"), "not", [*IN, "format"]),
    "shape kind": (typed(**{**ARRAY, "shape": "1"}), "type", [*IN, "shape"]),
    "shape empty": (typed(**{**ARRAY, "shape": []}), "minItems", [*IN, "shape"]),
    "size kind": (typed(**{**ARRAY, "shape": ["1"]}), "type", [*IN, "shape", 0]),
    "size low": (typed(**{**ARRAY, "shape": [-2]}), "minimum", [*IN, "shape", 0]),
    "size high": (typed(**{**ARRAY, "shape": [2**63]}), "maximum", [*IN, "shape", 0]),
    "string element-type": (typed(type="string", **{"element-type": "u8"}), "not", [*IN, "element-type"]),
    "primitive shape": (typed(type="f32", shape=[1]), "not", [*IN, "shape"]),
    "primitive path": (typed(type="uint8", path="/in"), "not", [*IN, "path"]),
    "string format": (typed(type="string", format="x"), "not", [*IN, "format"]),
    "output name": (typed_output(type="string"), "required", [*OP, "output", 0]),
    "output name null": (typed_output(type="string", name=None), "not", [*OP, "output", 0, "name"]),
    "import": (pipeline({"import": "x.yaml"}), "type", [*OP, "import"]),
    "import path": (pipeline({"import": {}}), "required", [*OP, "import"]),
    "import args": (pipeline({"import": {"path": "x", "args": []}}), "type", [*OP, "import", "args"]),
    "import arg": (pipeline({"import": {"path": "x", "args": {"a": []}}}), "type", [*OP, "import", "args", "a"]),
    "models": (pipeline(operator(models={})), "type", [*OP, "models"]),
    "model": (pipeline(operator(models=[{}])), "required", [*OP, "models", 0]),
    "services": (pipeline(operator(services={})), "type", [*OP, "services"]),
    "service": (pipeline(operator(services=[{"name": "s"}])), "required", [*OP, "services", 0]),
    "connections": (service(connections=[]), "type", [*OP, "services", 0, "connections"]),
    "http": (service(connections={"http": [{}]}), "required", [*OP, "services", 0, "connections", "http", 0]),
    "port": (service(connections={"http": [{"name": "U", "port": 80}]}), "minimum",
             [*OP, "services", 0, "connections", "http", 0, "port"]),
    "volume": (service(connections={"volume": [{}]}), "required",
               [*OP, "services", 0, "connections", "volume", 0]),
}  # fmt: skip


@pytest.mark.parametrize("document, keyword, path", BROKEN.values(), ids=BROKEN.keys())
def test_each_rule_fails_alone(validator, document, keyword, path):
    (error,) = validator.iter_errors(document)
    assert (error.validator, list(error.absolute_path)) == (keyword, path)


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_valid_documents(validator, text):
    assert list(validator.iter_errors(read_document("p.yaml", text.encode()).value)) == []


def test_numbers_as_an_editor_sees_them(validator):
    document = pipeline(
        operator(container={"image": "i", "tag": 18.04, "command": ["x", 1, True]}, variables={"A": 1, "B": None}),
        **{"api-version": 0.4, "parameters": {"A": 0.1}, "description": 2021},
    )
    assert list(validator.iter_errors(document)) == []
    assert [error.validator for error in validator.iter_errors(typed(0.5, path="/in"))] == ["required"]


@pytest.mark.parametrize("path", sorted(PUBLISHED.rglob("*.yaml")), ids=lambda path: path.name)
def test_published_files_as_they_are_written(path):
    document = yaml.safe_load(path.read_text())
    schema = PIPELINE if "operators" in document else "operator.schema.json"
    assert [error.message for error in editor(schema).iter_errors(document)] == []


X = "${{ X }}"
# A placeholder in every place that wants a number, a pattern or one of a list; as an editor sees it.
TEMPLATED = {
    "pipeline": pipeline(
        operator(
            name="part-${{X}}", timeout=X, requests={"cpu": X, "gpu": X, "memory": X}, models=[{"name": X}],
            container={"image": X, "tag": X, "command": [X], "variables": {"A": X}},
            input=[{"path": X, "from": X, "name": X}], output=[{"path": "${{X}}/out", "name": X}],
            services=[{
                "name": X, "container": {"image": X, "tag": "v${{X}}"}, "requests": {"gpu": X},
                "connections": {"http": [{"name": X, "port": X}], "file": [{"name": X, "path": X}]},
            }],
        ),
        name=X, orchestrator=X, timeout=X, parameters={"X": 1},
    ),
    "array": typed(type="array", name=X, shape=[X, 3, "${{Y}}"], **{"element-type": X}),
    "type": typed(type=X, **{"element-type": X}),
    "version": pipeline(operator(input=[STREAM]), **{"api-version": X}),
}  # fmt: skip


@pytest.mark.parametrize("document", TEMPLATED.values(), ids=TEMPLATED.keys())
def test_placeholders_as_an_editor_sees_them(validator, document):
    assert [error.message for error in validator.iter_errors(document)] == []


def test_a_placeholder_is_no_excuse_elsewhere(validator):
    for document in (
        pipeline(operator(variables={"${{ X }}": 1})),
        pipeline(operator(requests={"cpu": "${{ X"})),
        pipeline(operators=X),
        typed(type="array", shape=X, **{"element-type": "u8"}),  # what fills it is one text, never a list
    ):
        assert len(list(validator.iter_errors(document))) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [("requests", "{gpu: '${{ A }}'}"), ("timeout", "'${{ A }}'"), ("input", "[{path: '${{ A }}'}]"),
     ("name", "'${{ A }}'"), ("container", "{image: i, tag: '${{ A }}'}"),
     ("input", "[{path: /in, name: '${{ A }}'}]"),
     ("services", "[{name: s, container: {image: i}, connections: {http: [{name: U, port: '${{ A }}'}]}}]")],
)  # fmt: skip
def test_what_is_filled_in_is_checked_though_it_looks_like_a_placeholder(key, value):
    keys = {"name": "a", "container": "{image: i}", key: value}
    text = "name: p\nparameters: {A: 1}\noperators:\n- " + "\n  ".join(f"{k}: {v}" for k, v in keys.items())
    with pytest.raises(DefinitionError, match="expected a"):
        load_files([("p.yaml", text.encode())], {"A": "${{ A }}"})


def test_unknown_keys_are_allowed(validator):
    assert list(validator.iter_errors(pipeline(operator(anything=1), something=[]))) == []


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_files_are_schemas_with_relative_references(name):
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    text = json.dumps(schema)
    assert "$id" not in text
    assert "://" not in text.replace(schema["$schema"], "")


def test_every_key_is_explained_and_has_an_example():
    seen = dict(described(schemas()[PIPELINE], PIPELINE))
    assert len(seen) > 40
    for where, part in seen.items():
        assert part.get("title"), where
        assert part.get("description"), where
        kinds = part.get("type", ())
        structure = {"object", "array"} & ({kinds} if isinstance(kinds, str) else set(kinds))
        assert part.get("examples") or structure or part.get("deprecated"), where


def described(schema, file, where=""):
    """Each key that a document may have, with what the schema says of it."""
    schema, file = resolve(schema, file)
    if where:
        yield where, schema
    for name, below in schema.get("properties", {}).items():
        yield from described(below, file, f"{where}/{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from described(schema[keyword], file, f"{where}/*")


def test_the_primitives_are_those_of_the_code():
    ports = schemas()["ports.schema.json"]["$defs"]
    assert set(ports["primitive"]["else"]["enum"]) == set(PRIMITIVES)
    assert set(ports["type"]["else"]["enum"]) == {"stream", "array", "string", *PRIMITIVES}
    assert set(ports["single"]["enum"]) == {"string", *PRIMITIVES}


def test_the_files_lie_in_one_folder():
    names = {path.name for path in Path(__file__).parents[3].joinpath("schemas").glob("*.json")}
    assert names == set(schemas())
