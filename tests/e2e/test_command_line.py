"""The command line's contracts beside the walkthrough: aliases, flags, tables, images, help."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from support import EXAMPLE, Clara, Project, shell

from clara_cli.cli import cli

DEFINITION = EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml"


def commands(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    """Every command and group, by the words that lead to it."""
    context = click.Context(group)
    found: list[tuple[str, ...]] = [path]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += commands(command, *path, name)
        else:
            found.append((*path, name))
    return found


@pytest.mark.parametrize("words", commands(cli))
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_on_stdout(clara: Clara, words: tuple[str, ...], flag: str) -> None:
    answer = clara(*words, flag)
    assert answer.err == ""
    assert f"\nUsage:\n  {' '.join(('clara', *words))}" in answer.out and "\nFlags:\n" in answer.out
    assert "-h, --help" in answer.out
    if words and words != ("help",):
        assert clara("help", *words).out == answer.out


@pytest.mark.parametrize("verb", ["create", "list", "describe", "start", "delete"])
def test_singular_and_plural_are_the_same_command(verb: str) -> None:
    group = cli.get_command(click.Context(cli), verb)
    assert isinstance(group, click.Group)
    context = click.Context(group)
    for name in group.list_commands(context):
        assert group.get_command(context, f"{name}s") is group.get_command(context, name)


def test_version_is_one_line_whose_last_word_is_the_version(clara: Clara) -> None:
    assert re.fullmatch(r"Clara CLI version: \S+\n", clara("version").out)


def test_flags_in_any_order_and_every_spelling(clara: Clara) -> None:
    pipeline = clara.pipeline(DEFINITION)
    spellings = [
        ["-n", "a", "-p", pipeline],
        ["-na", f"-p{pipeline}"],
        ["-n=a", f"-p={pipeline}"],
        ["--name=a", f"--pipeline={pipeline}"],
        ["--name", "a", "stray", "--pipeline", pipeline, "words"],
        ["--verbose", "-p", pipeline, "-n", "a", "-i", "HIGH"],
    ]
    for words in spellings:
        assert clara("create", "job", *words).lines[0].startswith("JOB_ID: ")
    listed = [line.split() for line in clara("list", "job").lines[1:]]
    assert len(listed) == len(spellings)
    assert {row[0] for row in listed} == {"a"}
    assert listed[0][5] == "JOB_PRIORITY_HIGHER"


def test_flags_may_stand_before_the_command_they_belong_to(clara: Clara) -> None:
    pipeline = clara.pipeline(DEFINITION)
    spellings = [
        ["create", "-n", "a", "job", "-p", pipeline],
        ["-n", "a", "create", "jobs", "-p", pipeline],
        ["-n", "a", "-p", pipeline, "create", "job"],
        ["--name=a", f"-p={pipeline}", "--verbose", "create", "job", "surplus"],
    ]
    for words in spellings:
        assert clara(*words).lines[0].startswith("JOB_ID: "), words
    assert len(clara("list", "-q", "jobs").lines) == len(clara("-q", "list", "jobs").lines) == len(spellings)
    assert clara("-o", "json", "list", "jobs").out.startswith("[")
    job = clara("list", "-q", "jobs").lines[0]
    assert clara("-j", job, "describe", "job").lines[0] == f"JOB_ID: {job}"


def test_the_usage_block_has_the_originals_layout(clara: Clara) -> None:
    answer = clara("create", "pipelines", code=2)
    assert answer.out == ""
    assert answer.err == (
        'Error: required flag(s) "path" not set\n'
        "Usage:\n"
        "  clara create pipelines [flags]\n"
        "\n"
        "Flags:\n"
        "  -p, --path PATH   The definition: a YAML file, a folder or a zip file.\n"
        "                    [required]\n"
        "  -q, --quiet       On stdout only the id of what was made, else nothing.\n"
        "  -h, --help        help for pipelines\n"
        "\n"
        "Global Flags:\n"
        "      --config string   config file (default is $HOME/.clara/config.yaml)\n"
        "      --host string     HOST[:PORT] of a platform on another machine (default:\n"
        "                        this one)\n"
        "      --verbose         verbose output\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x"], 'Error: unknown command "x" for "clara"\nRun \'clara --help\' for usage.\n'),
        (["list", "jobs", "-Z"], "Error: unknown shorthand flag: 'Z' in -Z\nUsage:\n"),
        (["list", "jobs", "--quite"], 'Error: unknown flag: --quite; did you mean "--quiet"?\nUsage:\n'),
        (["create", "job", "--name"], "Error: flag needs an argument: --name\nUsage:\n"),
        (["create", "job", "-n"], "Error: flag needs an argument: 'n' in -n\nUsage:\n"),
        (["wait"], "Error: say which job: clara wait JOB_ID ...\nUsage:\n  clara wait [flags]\n"),
    ],
)
def test_usage_errors_in_the_originals_words(clara: Clara, words: list[str], told: str) -> None:
    answer = clara(*words, code=2)
    assert answer.err.startswith(told) and answer.out == ""
    assert answer.err.count("Error: ") == 1


def test_jobs_meant_for_another_machine_do_not_run_here(clara: Clara, world: Path, tmp_path: Path) -> None:
    # gRPC leaves descriptors open: not in this process.
    for words in ("clara --host 127.0.0.1:1 list pipelines", "clara list pipelines --host http://localhost:1/"):
        done = shell(words, tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Error: cannot reach the platform at ") and "nothing listens there" in done.stderr
    assert not (world / "root").exists()
    for host in ("[fe80::1", "a b", " ", "host:0x1", "host:99999"):
        answer = clara("list", "pipelines", "--host", host, code=1)
        assert answer.out == "" and "is no address; expected HOST" in answer.err


def test_an_empty_host_is_this_machine(clara: Clara, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARA_HOST", "127.0.0.1:1")
    assert clara("list", "pipelines", "--host", "").lines == ["NAME   ID"]


def test_quiet_commands_print_ids_or_nothing(clara: Clara, project: Project) -> None:
    project.operator("a", "print('ran')")
    definition = project.definition("- name: a\n  container: {image: a}\n", "0.4.0")
    (pipeline,) = clara("create", "pipelines", "-q", "-p", definition).lines
    (job,) = clara("create", "jobs", "-qn", "x", "-p", pipeline, "-f", definition).lines
    assert len(pipeline) == len(job) == 32
    assert clara("start", "job", "-q", "-j", job).out == ""
    assert clara("wait", "-q", job).out == ""
    assert clara("download", "-q", f"{job}:/input/*", project.folder / "r").out == ""
    assert clara("create", "image", "-q", "-n", "b", "-p", project.folder / "a").lines == ["b"]
    assert clara("delete", "image", "-q", "b").out == clara("delete", "jobs", "-q", "-y", job).out == ""
    (ran,) = clara("run", "-q", definition).lines
    assert clara("describe", "job", "-q", ran).lines == [ran]


def test_without_files_nothing_is_said_to_be_uploaded(clara: Clara) -> None:
    answer = clara("create", "job", "-n", "a", "-p", clara.pipeline(DEFINITION))
    assert [line.split(":")[0] for line in answer.lines] == ["JOB_ID", "PAYLOAD_ID"]


def test_tables(clara: Clara, project: Project) -> None:
    assert clara("list", "pipelines").out == "NAME   ID\n"
    assert clara("list", "jobs", "-q").out == ""
    operator = "- name: a\n  container: {image: a}\n"
    short = clara.pipeline(project.definition(operator, "0.4.0", "x"))
    long = clara.pipeline(project.definition(operator, "0.4.0", "a-long-pipeline-name"))
    assert clara("list", "pipelines").lines == [
        "NAME                   ID",
        f"a-long-pipeline-name   {long}",
        f"x                      {short}",
    ]
    assert clara("list", "pipeline", "--quiet").lines == [long, short]
    first = clara.job(short, name="two words\nand a line")
    second = clara.job(long, name="ünïcode")
    listed = clara("list", "jobs").lines
    header = "NAME                   ID                                 PIPELINE"
    assert listed[0].startswith(header) and listed[0].split()[3:] == [
        *("STATE", "STATUS", "PRIORITY", "CREATED", "STARTED", "STOPPED"),
    ]
    assert listed[1].startswith(f"ünïcode                {second}   {long}   JOB_STATE_PENDING   JOB_STATUS_HEALTHY")
    assert listed[2].startswith(f"two words and a line   {first}   {short}")
    assert re.search(r"   20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ   -                      ?  -$|Z   -         -$", listed[1])
    assert clara("list", "jobs", "-q").lines == [second, first]


def test_describe_pipeline_names_the_operators(clara: Clara) -> None:
    lines = clara("describe", "pipelines", "-p", clara.pipeline(DEFINITION)).lines
    assert lines[1] == "NAME: fastio-passthrough-dynamic-pipeline"
    assert [line.split()[0] for line in lines[6:]] == [
        *("OPERATOR", "nifti-to-fastio", "fastio-to-npz", "compare-original-to-output"),
    ]


def test_images_are_registered_listed_described_and_deleted(clara: Clara, project: Project) -> None:
    folder = project.operator("prog", "print('v1')")
    assert clara("create", "images", "-n", "group/prog:1.0", "-p", folder).out == "IMAGE: group/prog:1.0\n"
    assert "was registered before" in clara("create", "image", "-n", "group/prog:1.0", "-p", folder, "--driver").err
    assert clara("list", "images").lines[1].split() == ["group/prog:1.0", str(folder), "-", "yes"]
    assert clara("list", "image", "-q").lines == ["group/prog:1.0"]
    described = clara("describe", "image", "group/prog").lines
    assert described[:2] == ["NAME: group/prog:1.0", f"FOLDER: {folder}"]
    assert described[-1].endswith("main.py")
    assert clara("delete", "images", "group/prog:1.0").out == "Deleted image group/prog:1.0.\n"
    assert clara("list", "images", "-q").out == ""
    assert (folder / "main.py").exists()


def test_a_registered_image_wins_and_uses_its_own_python(clara: Clara, project: Project, tmp_path: Path) -> None:
    definition = project.definition("- name: a\n  container: {image: prog, tag: '1.0'}\n", "0.4.0")
    project.operator("prog", "print('beside the definition')")
    python = tmp_path / "own-python"
    python.write_text('#!/bin/sh\necho own python: "$@"\n')
    python.chmod(0o755)
    other = project.operator("other", "")
    clara("create", "image", "-n", "prog", "-p", other, "--python", python)
    job, _ = clara.run(definition)
    assert clara("logs", "-j", job).lines == ["a | own python: -u main.py"]
    clara("delete", "image", "-n", "prog")
    job, _ = clara.run(definition)
    assert clara("logs", "job", "-j", job).lines == ["a | beside the definition"]


def test_a_dockerfile_says_how_a_program_is_started(clara: Clara, project: Project) -> None:
    definition = project.definition("- name: a\n  container: {image: prog, command: [--size, '3']}\n", "0.4.0")
    folder = project.operator(
        "prog",
        "import os, sys, helper\nprint(sys.argv[1:], os.environ['MODE'], os.getcwd().endswith('/srv/app'))\n"
        "open('written.txt', 'w').close()\nopen('helper.py', 'a').close()",
    )
    (folder / "helper.py").write_text("")
    (folder / "Dockerfile").write_text(
        'FROM python:3.8\nENV MODE=fast\nWORKDIR /srv/app\nCOPY . .\nENTRYPOINT ["python", "-u", "/srv/app/main.py"]\n'
        'CMD ["--default"]\n'
    )
    before = sorted(path.name for path in folder.iterdir())
    job, _ = clara.run(definition)
    assert clara("logs", "-j", job, "-o", "a").lines == ["['--size', '3'] fast True"]
    assert sorted(path.name for path in folder.iterdir()) == before


def test_logs_of_an_operator_that_never_ran(clara: Clara) -> None:
    job = clara.job(clara.pipeline(DEFINITION))
    answer = clara("logs", "-j", job, "-o", "fastio-to-npz")
    assert answer.out == "" and "has not been started" in answer.err
    assert 'has no operator "none"' in clara("logs", "-j", job, "-o", "none", code=1).err


def test_downloads_by_payload_id_and_of_the_input(clara: Clara, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    created = clara("create", "job", "-n", "x", "-p", clara.pipeline(DEFINITION), "-f", f"{tmp_path}/in/")
    payload = created.lines[1].removeprefix("PAYLOAD_ID: ")
    answer = clara("download", f"{payload}:/input/*", tmp_path / "r")
    assert answer.out == "Downloading...\nDownloaded 1 files.\n"
    assert (tmp_path / "r" / "a.txt").read_text() == "a"


def test_bare_groups_show_their_help_on_stdout(clara: Clara) -> None:
    for words in ((), ("create",), ("list",)):
        answer = clara(*words)
        assert answer.err == "" and "Available Commands:" in answer.out


def test_global_flags_are_accepted_everywhere(clara: Clara) -> None:
    for words in (["--verbose", "list", "jobs"], ["list", "--verbose", "jobs"], ["list", "jobs", "--verbose"]):
        assert clara(*words).lines[0].startswith("NAME")


def test_verbose_says_where_things_are(clara: Clara, project: Project, world: Path) -> None:
    folder = project.operator("a", "")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    answer = clara("start", "job", "-j", job, "--verbose")
    assert answer.out == "Job Start request submitted successfully with JOB_STATUS_HEALTHY\n"
    assert f"root: {world / 'root'}" in answer.err
    assert f"operator a: folder {folder}" in answer.err


def test_a_first_word_that_happens_to_be_a_program_here_is_an_argument(clara: Clara, project: Project) -> None:
    definition = project.definition("- name: a\n  container: {image: a, command: ['false', sleep]}\n", "0.4.0")
    project.operator("a", "import sys\nprint(sys.argv[1:])")
    job, _ = clara.run(definition)
    assert clara("logs", "-j", job, "-o", "a").lines == ["['false', 'sleep']"]
