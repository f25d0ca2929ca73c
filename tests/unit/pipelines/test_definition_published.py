"""Definitions like those that were published are accepted, and say what they should."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from clara_cli.pipelines.load import Loaded, load_files, load_pipeline
from clara_cli.pipelines.normal_form import normal_form, to_text

FOLDER = Path(__file__).parents[2] / "definitions"
PUBLISHED = sorted([*FOLDER.glob("*.yaml"), *(path for path in FOLDER.iterdir() if path.is_dir())])
# definition → its warnings
WARNINGS = {
    "lung-lesion-pipeline.yaml": ['key "hostVolumePath" has no effect: operators see the folders of the job only'],
    "chestxray-typed-fragment.yaml": ['key "format" is an early spelling; write element-type'],
}
JOB = {"JOB_ID": "a1", "JOB_NAME": "n", "PAYLOAD_ID": "b2", "PIPELINE_ID": "c3"}


def published(name: str) -> Loaded:
    return load_pipeline(FOLDER / name)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_it_is_accepted_and_compiled(path):
    loaded = load_pipeline(path)
    assert [problem.message for problem in loaded.warnings] == WARNINGS.get(path.name, [])
    # What the compiler writes says the same.
    for compiled in (loaded, load_files(loaded.files, {}, JOB)):
        again = load_files([("compiled.yaml", to_text(compiled).encode())])
        assert again.pipeline == compiled.pipeline
        assert again.warnings == ()


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_what_readers_of_compiled_definitions_rely_on(path):
    document = yaml.safe_load(to_text(load_pipeline(path)))
    for operator in document["operators"]:
        assert operator["container"]["image"] and operator["container"]["tag"]
        assert isinstance(operator["input"], list)
        for port in (*operator["input"], *operator.get("output", ())):
            assert "name" in port
            assert port.get("from", "x") is not None
        assert all(isinstance(value, int) for value in operator.get("requests", {}).values())


def test_there_are_as_many_as_the_list_of_them_says():
    assert len(PUBLISHED) >= 29


def test_a_container_may_hold_variables():
    writer = published("covid19-0.7.3.yaml").pipeline.operator("dicom-seg-writer")
    assert writer.variables == {"NVIDIA_SEG_LABELS": '[\\"Lung-seg\\"]', "NVIDIA_DICOM_OFFSET": "-192,-192,-244.5"}


def test_numbers_are_written_as_numbers_and_texts_as_texts():
    (operator,) = normal_form(published("ct-recon-example.yaml"))["operators"]
    assert operator["variables"] == {
        "CLARA_TRACE": 0, "geometry": "geometry.xml", "projections": "projections", "dimension": "512,512,163",
        "spacing": "0.7,0.7,1.5", "origin": "-192,-192,-244.5", "nvrtkhann": 0.95, "nvrtkhanny": 0, "method": "fdk",
        "iterations": 1, "wpc": "0 1", "verbose": "on",
    }  # fmt: skip
    (first, _, _) = normal_form(published("null-pipeline.yaml"))["operators"]
    assert first["variables"] == {"CLARA_TRACE": 2}
    assert first["requests"] == {"cpu": 1, "memory": 1024}
    assert first["input"] == [{"name": None, "path": "/input"}]


def test_models_and_services():
    assert published("null-pipeline-models.yaml").pipeline.operators[0].models == (
        "segmentation_ct_spleen_v1", "segmentation_ct_liver_v1",
    )  # fmt: skip
    (service,) = published("null-pipeline-services.yaml").pipeline.operators[0].services
    # Left as it is: whoever starts the service replaces it.
    assert service.command[1] == "--model-store=$(NVIDIA_CLARA_SERVICE_DATA_PATH)/models"
    services = [operator.services for operator in published("multiai-pipeline.yaml").pipeline.operators[1:5]]
    assert services[0] and services == services[:1] * 4
    (service,) = published("covid19-0.6.yaml").pipeline.operators[1].services
    assert (service.requests.gpu, service.requests.cpu) == (1, 4)


def test_the_genomics_placeholders():
    loaded = load_files(published("denovo-assembly-pipeline.yaml").files, {"MAPPER_THREADS": "2"}, JOB)
    mapper, _, racon = loaded.pipeline.operators
    assert (mapper.image, mapper.tag) == ("genomics/assembly", "1.10")
    # A parameter of that name wins over the job's own.
    assert mapper.command[2] == "/run_mapper.sh -i /input/reads.fastq -t 2 -o /mapperOutput/run"
    assert [item.path for item in racon.inputs] == ["/input", "/mapperOutput", "/miniasmOutput"]
