"""Definitions of several files."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.pipelines.definition_texts import HELLO

from clara_cli.errors import DefinitionError, NotFound
from clara_cli.pipelines import imports, source
from clara_cli.pipelines.load import Loaded, load_files, load_pipeline
from clara_cli.pipelines.model import Connection

MAIN = """\
api-version: 0.2.0
name: sample
parameters: {SPEED: 3}
operators:
  - name: producer
    import:
      path: parts/producer.yaml
  - import:
      path: ./parts/consumer.yaml
      args:
        input-from: producer
        SPEED: fast-${{ speed }}
    description: beside the import
    container: {image: replaced}
"""
PRODUCER = """\
api-version: 0.2.0
name: make
container: {image: group/producer, tag: 1.10}
output:
- path: /output
services:
- import: {path: ../trtis.yaml}
  name: renamed
"""
CONSUMER = """\
api-version: 0.2.0
name: consumer
parameters:
  INPUT-FROM:
  speed: slow
container: {image: group/consumer, tag: "2"}
variables: {SPEED: "${{SPEED}}", JOB: "${{JOB_ID}}"}
input:
- from: ${{ input-from }}
  path: /in
"""
SERVICE = """\
name: trtis
container: {image: nvidia/trtis, tag: latest, command: [serve]}
connections:
  http: [{name: TRITON_URI, port: 8000}]
  volume: [{name: MODELS, path: /models/}]
  file: [{name: FILES}]
"""
FILES = {
    "sample-pipeline.yaml": MAIN,
    "parts/producer.yaml": PRODUCER,
    "parts/consumer.yaml": CONSUMER,
    "trtis.yaml": SERVICE,
}
JOB = {"JOB_ID": "j"}


def loaded(changes: dict[str, str] | None = None, job: dict[str, str] | None = None, **values: str) -> Loaded:
    files = {**FILES, **(changes or {})}
    return load_files([(path, text.encode()) for path, text in files.items()], values, job)


def said(changes: dict[str, str], **values: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        loaded(changes, **values)
    return [f"{p.place}: {p.message}" + (f" | {p.hint}" if p.hint else "") for p in caught.value.problems]


def written(folder: Path, files: dict[str, str] | None = None) -> Path:
    for path, text in (files or FILES).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def packed(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_a_pipeline_of_four_files():
    result = loaded(job=JOB)
    producer, consumer = result.pipeline.operators
    assert (producer.name, producer.image, producer.tag) == ("producer", "group/producer", "1.10")
    assert (consumer.name, consumer.description) == ("consumer", "beside the import")
    # A key beside the import replaces the whole key: the tag went with it.
    assert (consumer.image, consumer.tag) == ("replaced", "latest")
    assert consumer.variables == {"SPEED": "fast-3", "JOB": "j"}
    assert consumer.inputs[0].source == "producer"
    (service,) = producer.services
    assert (service.name, service.image, service.command) == ("renamed", "nvidia/trtis", ("serve",))
    assert service.connections == (
        Connection("TRITON_URI", "http", 8000),
        Connection("FILES", "file"),
        Connection("MODELS", "volume", path="/models"),
    )
    # Every file is kept, the pipeline's first.
    assert sorted(path for path, _ in result.files) == sorted(FILES)
    assert result.files[0] == ("sample-pipeline.yaml", MAIN.encode())
    assert result.warnings == ()


def test_values_fill_the_pipelines_parameters_and_pass_through_arguments():
    assert loaded(job=JOB, speed="9").pipeline.operators[1].variables["SPEED"] == "fast-9"
    assert loaded().pipeline.operators[1].variables == {"SPEED": "fast-3", "JOB": "${{JOB_ID}}"}
    # A parameter of an imported file is filled by the import alone.
    assert said({}, **{"input-from": "x"})[0].startswith("sample-pipeline.yaml:3:1: a value is given for")


def test_an_argument_that_comes_later_leaves_what_it_fills_open():
    main = MAIN.replace("{SPEED: 3}", "{SPEED: , UP: }").replace("input-from: producer", 'input-from: "${{UP}}"')
    result = loaded({"sample-pipeline.yaml": main})
    assert result.pipeline.operators[1].inputs[0].source == "${{ input-from }}"
    assert loaded({"sample-pipeline.yaml": main}, JOB, SPEED="1", UP="producer").pipeline.operators[1].inputs[0].source


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"parts/consumer.yaml": CONSUMER.replace("path: /in", "path: in")},
         'parts/consumer.yaml:10:9: path: found "in", expected an absolute path, such as /input'),
        ({"parts/producer.yaml": "container: [\n"}, "parts/producer.yaml:1:13: a value is missing here"),
        ({"parts/producer.yaml": PRODUCER.replace("container: {image: group/producer, tag: 1.10}\n", "")},
         'parts/producer.yaml:1:1: operator "producer" has no "container"'),
        ({"parts/producer.yaml": PRODUCER + "name: again\n"}, 'parts/producer.yaml:9:1: key "name" stands twice'),
        ({"trtis.yaml": SERVICE.replace("8000", "80")},
         "trtis.yaml:4:35: port: found 80, expected a port from 1024 to 65535"),
        ({"trtis.yaml": SERVICE.replace("image: nvidia/trtis, ", "")},
         'trtis.yaml:2:12: container of service 1 of operator "producer" has no "image"'),
        ({"parts/consumer.yaml": CONSUMER.replace("name: consumer", "name: PRODUCER")},
         'parts/consumer.yaml:2:7: a second operator "PRODUCER"; the first stands in line 5 of sample-pipeline.yaml'
         " | upper and lower case count as the same"),
        ({"parts/consumer.yaml": CONSUMER.replace("slow", "slow\n  again")}, "parts/consumer.yaml:7:"),
        ({"parts/consumer.yaml": CONSUMER.replace("${{SPEED}}", "${{SPED}}")},
         "parts/consumer.yaml:7:20: nothing fills ${{ SPED }}: known names are INPUT-FROM, speed, JOB_ID"),
        ({"sample-pipeline.yaml": MAIN.replace("parts/producer.yaml", "parts/produce.yaml")},
         "sample-pipeline.yaml:7:13: import: there is no file parts/produce.yaml"
         ' | did you mean "parts/producer.yaml"?'),
        ({"sample-pipeline.yaml": MAIN.replace("./parts/consumer.yaml", "../x.yaml")},
         'sample-pipeline.yaml:9:13: import: "../x.yaml" leads out of the folder of the definition'),
        ({"sample-pipeline.yaml": MAIN.replace("./parts/consumer.yaml", "parts/../../x.yaml")}, "leads out"),
        ({"sample-pipeline.yaml": MAIN.replace("./parts/consumer.yaml", "/etc/passwd")},
         'sample-pipeline.yaml:9:13: import: "/etc/passwd" is not relative'),
        ({"sample-pipeline.yaml": MAIN.replace("./parts/consumer.yaml", 'C:\\x.yaml')}, "is not relative"),
        ({"sample-pipeline.yaml": MAIN.replace("./parts/consumer.yaml", "${{ SPEED }}.yaml")},
         "sample-pipeline.yaml:9:13: import: the path of a file is fixed, and holds no placeholder"),
        ({"sample-pipeline.yaml": MAIN.replace("./parts/consumer.yaml", ".")}, "leads out"),
        ({"sample-pipeline.yaml": MAIN.replace("input-from:", "inputfrom:")},
         'sample-pipeline.yaml:11:9: there is no parameter "inputfrom" in parts/consumer.yaml'
         ' | did you mean "INPUT-FROM"?'),
        ({"sample-pipeline.yaml": MAIN.replace("input-from: producer", "input-from: [1]")},
         "sample-pipeline.yaml:11:21: input-from: expected a single value, the argument"),
        ({"sample-pipeline.yaml": MAIN.replace("args:\n        input-from: producer\n        SPEED", "args: x\n    x")},
         'args: found "x", expected a mapping of names to values'),
        ({"sample-pipeline.yaml": MAIN.replace("path: ./parts/consumer.yaml", "paht: x")},
         'import of operator 2 has no "path"'),
        ({"sample-pipeline.yaml": MAIN.replace("./parts/consumer.yaml", "sample-pipeline.yaml")}, "in a circle"),
        ({"sample-pipeline.yaml": MAIN.replace("./parts/consumer.yaml", "other.yaml"), "other.yaml": HELLO},
         "sample-pipeline.yaml:9:13: import: other.yaml is a pipeline, expected one operator or service"),
        ({"trtis.yaml": "import: {path: x.yaml}\n", "x.yaml": "import: {path: trtis.yaml}\n"},
         "x.yaml:1:16: imports run in a circle: trtis.yaml → x.yaml → trtis.yaml"),
        ({"trtis.yaml": "import: {path: trtis.yaml}\n"},
         "trtis.yaml:1:16: imports run in a circle: trtis.yaml → trtis.yaml"),
        ({"trtis.yaml": "- a\n"}, "trtis.yaml:1:1: found a list, expected a mapping"),
    ],
)  # fmt: skip
def test_errors_name_the_file_and_the_line(changes, expected):
    assert any(expected in line for line in said(changes)), said(changes)


def test_errors_of_several_files_come_in_the_order_of_reading():
    changes = {"trtis.yaml": SERVICE.replace("8000", "1"), "parts/consumer.yaml": CONSUMER.replace("/in", "in")}
    changes["sample-pipeline.yaml"] = MAIN.replace("name: sample", "name: a b")
    assert [line.split(":")[0] for line in said(changes)] == [
        "sample-pipeline.yaml", "trtis.yaml", "parts/consumer.yaml",
    ]  # fmt: skip


def test_other_versions_and_unknown_keys_are_warnings():
    changes = {"parts/consumer.yaml": CONSUMER.replace("0.2.0", "0.3.0") + "nmae: 1\n"}
    changes["trtis.yaml"] = "api-version: 0.4.0\n" + SERVICE
    changes["parts/producer.yaml"] = PRODUCER.replace("trtis.yaml}", "trtis.yaml, args: {a: 1}, agrs: 1}")
    assert [f"{p.place}: {p.message}" for p in loaded(changes).warnings] == [
        "parts/producer.yaml:7:33: args: a service has no parameters, so its arguments are ignored",
        'parts/producer.yaml:7:47: unknown key "agrs" is ignored',
        "trtis.yaml:1:14: api-version 0.4.0 is not used: the pipeline is of 0.2.0",
        "parts/consumer.yaml:1:14: api-version 0.3.0 is not used: the pipeline is of 0.2.0",
        'parts/consumer.yaml:11:1: unknown key "nmae" is ignored',
    ]


def test_an_imported_operator_may_import():
    changes = {
        "sample-pipeline.yaml": MAIN.replace("parts/producer.yaml", "alias.yaml"),
        "alias.yaml": "import: {path: parts/producer.yaml}\nvariables: {A: 1}\n",
    }
    assert loaded(changes).pipeline.operators[0].variables == {"A": "1"}


def test_chains_and_sizes_are_bounded(monkeypatch):
    changes = {f"{n}.yaml": f"import: {{path: {n + 1}.yaml}}\n" for n in range(30)}
    changes["sample-pipeline.yaml"] = MAIN.replace("parts/producer.yaml", "0.yaml")
    assert "more than 20 times" in said(changes)[0]
    monkeypatch.setattr(imports, "MAX_NODES", 30)
    assert "more than 30 values, counting what is imported" in said({})[0]
    monkeypatch.setattr(source, "MAX_BYTES", 1000)
    assert "more than 1000 bytes together" in said({"parts/producer.yaml": PRODUCER + "#" * 700})[0]


def test_one_file_imported_often_is_read_once():
    lines = "".join(f"- {{name: n{number}, import: {{path: o.yaml}}}}\n" for number in range(300))
    result = loaded({"sample-pipeline.yaml": f"name: p\noperators:\n{lines}", "o.yaml": "container: {image: i}\n"})
    assert len(result.pipeline.operators) == 300
    assert len(result.files) == 2


def test_a_file_with_imports_beside_it(tmp_path):
    written(tmp_path)
    result = load_pipeline(tmp_path / "sample-pipeline.yaml")
    assert result.files[0][0] == "sample-pipeline.yaml"
    assert result.folder == tmp_path
    (tmp_path / "parts" / "consumer.yaml").unlink()
    with pytest.raises(DefinitionError) as caught:
        load_pipeline(tmp_path / "sample-pipeline.yaml")
    assert caught.value.message.startswith(f"{tmp_path}/sample-pipeline.yaml:9:13: import: there is no file {tmp_path}")


def test_links_that_lead_out_are_not_followed(tmp_path):
    folder = written(tmp_path / "d")
    (tmp_path / "secret.yaml").write_text("container: {image: i}\n")
    (folder / "parts" / "consumer.yaml").unlink()
    (folder / "parts" / "consumer.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(DefinitionError, match="is a link that leads out"):
        load_pipeline(folder / "sample-pipeline.yaml")
    (folder / "parts" / "consumer.yaml").unlink()
    os.mkfifo(folder / "parts" / "consumer.yaml")
    with pytest.raises(DefinitionError, match="is no file"):
        load_pipeline(folder / "sample-pipeline.yaml")


def test_a_folder(tmp_path):
    written(tmp_path)
    (tmp_path / "notes.txt").write_text("operators:")
    (tmp_path / "broken.yaml").write_text("a: [")
    result = load_pipeline(tmp_path)
    assert result.folder == tmp_path
    assert sorted(path for path, _ in result.files) == sorted(FILES)


@pytest.mark.parametrize(
    "names, main",
    [
        (["x-pipeline.yaml", "x-pipeline-model-repo.yaml"], "x-pipeline.yaml"),
        (["other.yml", "pipeline.yaml"], "pipeline.yaml"),
        (["a.yaml", "sub/a-pipeline.yaml"], "a.yaml"),
        (["sub/a.yaml"], "sub/a.yaml"),
        (["a.yaml", "b.yaml"], None),
        (["a-pipeline.yaml", "b-pipeline.yaml"], None),
    ],
)
def test_which_file_is_the_pipeline(tmp_path, names, main):
    files = dict.fromkeys(names, HELLO)
    folder, archive = written(tmp_path / "d", files), packed(tmp_path / "d.zip", files)
    for path in (folder, archive):
        if main is not None:
            assert load_pipeline(path).files[0][0] == main
        else:
            with pytest.raises(DefinitionError) as caught:
                load_pipeline(path)
            assert caught.value.message.endswith("does not say which is meant: " + ", ".join(names))
    # Files that were sent come in an order, and the first one counts.
    assert load_files([(name, HELLO.encode()) for name in names]).files[0][0] == names[0]


def test_a_broken_pipeline_in_a_folder_is_explained(tmp_path):
    (tmp_path / "p.yaml").write_text("name: p\noperators: [\n")
    with pytest.raises(DefinitionError, match=r"p.yaml:\d:"):
        load_pipeline(tmp_path)
    (tmp_path / "p.yaml").write_text("name: p\n")
    with pytest.raises(DefinitionError, match=r'no pipeline in .*: none of its 1 YAML files has "operators"'):
        load_pipeline(tmp_path)


def test_a_zip_file(tmp_path):
    path = packed(tmp_path / "d.zip", {**FILES, "data/big.bin": "x"})
    result = load_pipeline(path)
    assert len(result.pipeline.operators) == 2
    assert result.folder == tmp_path
    packed(path, {**FILES, "trtis.yaml": SERVICE.replace("8000", "1")})
    with pytest.raises(DefinitionError, match=r"d.zip/trtis.yaml:4:35: port"):
        load_pipeline(path)


def test_zip_files_that_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "d.zip"
    for name in ("../p.yaml", "/p.yaml", "a/../../p.yaml", "a\\p.yaml"):
        packed(path, {"x": ""})
        content = path.read_bytes()
        packed(path, {name: HELLO})
        with pytest.raises(DefinitionError, match="is no path inside of a zip file"):
            load_pipeline(path)
    path.write_bytes(content[:-10])
    with pytest.raises(DefinitionError, match="is no zip file that can be read"):
        load_pipeline(path)
    packed(path, {"p.yaml": "#" * 5_000_000 + "\n" + HELLO, "q.yaml": HELLO})
    monkeypatch.setattr(source, "MAX_BYTES", 1_000_000)
    with pytest.raises(DefinitionError, match="more than 1000000 bytes together"):
        load_pipeline(path)


def test_names_that_differ_by_case_count_as_one_among_files_that_were_sent():
    changes = {"sample-pipeline.yaml": MAIN.replace("parts/producer.yaml", "Parts/Producer.yaml")}
    assert loaded(changes).pipeline.operators[0].image == "group/producer"


def test_nothing_at_all(tmp_path):
    with pytest.raises(DefinitionError, match="no pipeline in the definition"):
        load_files([])
    with pytest.raises(NotFound):
        load_pipeline(tmp_path / "x.zip")


PIECES = [
    "",
    " ",
    "\n",
    "\n- ",
    ": ",
    "'",
    "[",
    "{",
    "}",
    "*a",
    "&a ",
    "${{ speed }}",
    "${{",
    "}}",
    "import: ",
    "path: ",
]
PIECES += ["../", "/", "trtis.yaml", "parts/consumer.yaml", "args: ", "parameters: ", "services: ", "null", "[]", "{}"]
PIECES += ["name: ", "container: ", "0", "é", "\t", "operators: "]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(FILES)), st.data())
def test_mutations_give_a_result_or_places_in_the_right_file(name, data):
    text = FILES[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[end:]
    files = {**FILES, name: text}
    for job in (None, JOB):
        try:
            problems = loaded({name: text}, job).warnings
        except DefinitionError as error:
            problems = error.problems
            assert error.message
        for problem in problems:
            if problem.line == 0:
                continue
            lines = files[problem.file].replace("\r\n", "\n").splitlines() or [""]
            assert 1 <= problem.line <= len(lines)
            assert problem.column <= len(lines[problem.line - 1]) + 1
            assert problem.excerpt is None or lines[problem.line - 1].startswith(problem.excerpt.rstrip("…"))
