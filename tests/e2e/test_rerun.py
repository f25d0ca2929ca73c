"""`start job --resume`, `--from` and `--reuse`: what has run well is not run again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import Answer, Clara, Project, installed_command, processes_of, wait_until

pytestmark = pytest.mark.usefixtures("no_mounts")

COPY = """
import os, shutil, sys, time
source, target = (os.environ[f"NVIDIA_CLARA_{side}PATHS"].split(":")[1] for side in ("INPUT", "OUTPUT"))
shutil.copytree(source, target, dirs_exist_ok=True)
with open(os.environ["RAN"], "a") as file:
    file.write(os.environ["NVIDIA_CLARA_STAGENAME"] + "\\n")
if os.environ["NVIDIA_CLARA_STAGENAME"] == "b" and not os.path.exists(os.environ["GATE"]):
    print("no gate", flush=True)
    time.sleep(float(os.environ.get("PAUSE", "0")))
    raise SystemExit(3)
"""


class Chain:
    """a → b → c, and d beside them; b fails until the gate is open."""

    def __init__(self, clara: Clara, project: Project, more: str = "") -> None:
        self.clara = clara
        self.project = project
        self.gate, self.ran = project.folder / "gate", project.folder / "ran"
        self.data = project.folder / "data"
        self.data.mkdir()
        (self.data / "x").write_text("one")
        project.operator("copy", COPY)
        variables = f"{{GATE: '{self.gate}', RAN: '{self.ran}'{more}}}"
        operators = "".join(
            f"- name: {name}\n  container: {{image: copy}}\n  variables: {variables}\n"
            f"  input:\n  - {{{source}path: /in, type: stream, element-type: raw}}\n"
            "  output:\n  - {name: o, path: /out, type: stream, element-type: raw}\n"
            for name, source in (("a", ""), ("b", "from: a, name: o, "), ("c", "from: b, name: o, "), ("d", ""))
        )
        self.definition = project.definition(operators)

    def ran_since(self) -> list[str]:
        """The operators that ran since this was asked last."""
        names = sorted(self.ran.read_text().split()) if self.ran.exists() else []
        self.ran.unlink(missing_ok=True)
        return names

    def failed(self) -> str:
        """A job that failed at b."""
        job, _ = self.clara.run(self.definition, self.data, code=1)
        # Whether d ran to its end before b failed is a matter of chance.
        assert {"a", "b"} <= set(self.ran_since())
        return job

    def again(self, job: str, *flags: str, code: int = 0) -> tuple[str, Answer]:
        answer = self.clara("start", "job", "-j", job, *flags, code=code)
        assert answer.lines[0].startswith("JOB_ID: ") and answer.lines[1].startswith("PAYLOAD_ID: ")
        return answer.lines[0].split()[1], answer


@pytest.fixture
def chain(clara: Clara, project: Project) -> Chain:
    return Chain(clara, project)


def tree(payload: Path) -> dict[str, tuple[str, int, int]]:
    """Content, mode and time of all files of a payload."""
    found = {}
    for path in payload.rglob("*"):
        if path.is_file():
            info = path.stat()
            found[str(path.relative_to(payload))] = (path.read_text(), info.st_mode, info.st_mtime_ns)
    return found


def payload_of(clara: Clara, job: str) -> Path:
    line = next(line for line in clara("describe", "job", "-j", job).lines if line.startswith("PAYLOAD_FOLDER"))
    return Path(line.partition(": ")[2])


def test_a_failed_job_goes_on_from_where_it_failed(clara: Clara, chain: Chain) -> None:
    job = chain.failed()
    before, described = tree(payload_of(clara, job)), clara("describe", "job", "-j", job).out
    chain.gate.touch()
    new, answer = chain.again(job, "--resume")
    ran = chain.ran_since()
    assert "a" not in ran and {"b", "c"} <= set(ran)
    assert new != job and answer.lines[2:] == ["Job Start request submitted successfully with JOB_STATUS_HEALTHY"]
    assert "taken over: a" in answer.err and "to run: b, c" in answer.err
    after = clara("describe", "job", "-j", new)
    assert "STATUS: JOB_STATUS_HEALTHY" in after.lines and "NAME: job" in after.lines
    assert f"info: goes on from job {job}: operator a" in after.out
    row = next(line for line in described.splitlines() if line.startswith("a "))
    assert row in after.lines, "its original times"
    assert tree(payload_of(clara, job)) == before, "the other job's files are as they were"
    assert clara("describe", "job", "-j", job).out == described
    assert (payload_of(clara, new) / "operators" / "c" / "o" / "x").read_text() == "one"
    assert (payload_of(clara, new) / "input" / "x").read_text() == "one"
    assert clara("logs", "-j", new, "-o", "b").out == "", "the log of the run that failed is not the new job's"


def test_a_resumed_job_outlives_the_one_it_came_from(clara: Clara, chain: Chain) -> None:
    import shutil

    job = chain.failed()
    chain.gate.touch()
    new, _ = chain.again(job, "--resume")
    shutil.rmtree(payload_of(clara, job))
    again, _ = chain.again(new, "--from", "c")
    assert (payload_of(clara, again) / "operators" / "c" / "o" / "x").read_text() == "one"
    answer = clara("start", "job", "-j", job, "--resume", code=1)
    assert f"the payload of job {job} is gone" in answer.err and "clara create job makes a new job" in answer.err


def test_from_an_operator_on(clara: Clara, chain: Chain) -> None:
    chain.gate.touch()
    job, _ = clara.run(chain.definition, chain.data)
    chain.ran_since()
    chain.again(job, "--from", "B")
    assert chain.ran_since() == ["b", "c"]
    chain.again(job, "--from", "a")
    assert chain.ran_since() == ["a", "b", "c"]


def test_files_that_are_gone_are_made_again(clara: Clara, chain: Chain) -> None:
    import shutil

    chain.gate.touch()
    job, _ = clara.run(chain.definition, chain.data)
    chain.ran_since()
    shutil.rmtree(payload_of(clara, job) / "operators" / "b")
    _, answer = chain.again(job, "--from", "c")
    assert "the files of operator b are gone: it runs again" in answer.err
    assert chain.ran_since() == ["b", "c"]


def test_resuming_detached_and_resuming_a_job_that_was_resumed(clara: Clara, chain: Chain) -> None:
    job = chain.failed()
    second, _ = chain.again(job, "--resume", code=1)
    assert "a" not in chain.ran_since()
    chain.gate.touch()
    third, _ = chain.again(second, "--resume", "--detach")
    wait_until(lambda: "STATE: JOB_STATE_STOPPED" in clara("describe", "job", "-j", third).lines, "the end")
    assert "STATUS: JOB_STATUS_HEALTHY" in clara("describe", "job", "-j", third).lines
    assert "a" not in chain.ran_since()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_cancelled_and_evicted_jobs_go_on_too(clara: Clara, project: Project, number: signal.Signals) -> None:
    chain = Chain(clara, project, ", PAUSE: '600'")
    job = clara.job(clara.pipeline(chain.definition), chain.data)
    process = subprocess.Popen(
        [installed_command(), "start", "job", "-j", job], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: "no gate" in clara("logs", "-j", job).out, "operator b")
    process.send_signal(number)
    process.wait(20)
    chain.ran_since()
    chain.gate.touch()
    new, _ = chain.again(job, "--resume")
    assert "a" not in chain.ran_since()
    assert "STATUS: JOB_STATUS_HEALTHY" in clara("describe", "job", "-j", new).lines
    assert processes_of(job) == []


def test_what_cannot_be_run_again_is_said(clara: Clara, chain: Chain) -> None:
    job = clara.job(clara.pipeline(chain.definition), chain.data)
    answer = clara("start", "job", "-j", job, "--resume", code=1)
    assert "has not ended: it is JOB_STATE_PENDING" in answer.err and "without --resume" in answer.err
    chain.gate.touch()
    clara("start", "job", "-j", job)
    answer = clara("start", "job", "-j", job, "--resume", code=1)
    assert "ended well: there is nothing to resume" in answer.err and "--from OPERATOR" in answer.err
    answer = clara("start", "job", "-j", job, "--from", "x", code=1)
    assert 'has no operator "x"; it has a, b, c, d' in answer.err
    assert "exclude each other" in clara("start", "job", "-j", job, "--from", "a", "--resume", code=2).err
    assert 'no job with id "12"' in clara("start", "job", "-j", "12", "--resume", code=1).err
    assert len(clara("list", "jobs", "-q").lines) == 1


def test_a_full_disk_leaves_nothing_of_the_new_job(clara: Clara, chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    job = chain.failed()
    payloads = Path(os.environ["CLARA_ROOT"]) / "payloads"
    big = payload_of(clara, job) / "operators" / "a" / "o" / "big"
    big.write_bytes(os.urandom(1 << 20))
    script = f"ulimit -f 100; trap '' XFSZ; exec {installed_command()} start job -j {job} --resume"
    before = sorted(path.name for path in payloads.iterdir())
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    if "taken over: a (" in done.stderr:
        pytest.skip("the file system shares blocks: nothing was written")
    assert done.returncode == 1 and "cannot share" in done.stderr and "nothing was kept" in done.stderr
    assert sorted(path.name for path in payloads.iterdir()) == before
    assert len(clara("list", "jobs", "-q").lines) == 1


def test_producers_of_variables_run_again(clara: Clara, project: Project) -> None:
    kind = "name: v, type: u8"
    operators = (
        "- name: stream\n  container: {image: stream}\n"
        "  output:\n  - {name: o, path: /out, type: stream, element-type: raw}\n"
        f"- name: first\n  container: {{image: first}}\n  output:\n  - {{{kind}}}\n"
        f"- name: second\n  container: {{image: second}}\n  input:\n  - {{from: first, {kind}}}\n"
        "  - {from: stream, name: o, path: /in, type: stream, element-type: raw}\n"
        f"  output:\n  - {{{kind}}}\n"
        f"- name: third\n  container: {{image: third}}\n  input:\n  - {{from: second, {kind}}}\n"
    )
    gate = project.folder / "gate"
    project.operator("stream", "open('/dev/null')")
    project.driver("first", "payload.fastio_output_entries['v'].value = 20")
    value = "payload.fastio_input_entries['v'].value"
    project.driver("second", f"payload.fastio_output_entries['v'].value = {value} + 1")
    project.driver("third", f"print('got', {value})\nassert os.path.exists('{gate}')")
    job, _ = clara.run(project.definition(operators), code=1)
    gate.touch()
    answer = clara("start", "job", "-j", job, "--resume")
    assert "taken over: stream" in answer.err and "to run: first, second, third" in answer.err
    assert "got 21" in clara("logs", "-j", answer.lines[0].split()[1], "-o", "third").lines


TEMPLATE = """
api-version: 0.5.0
orchestrator: Clara
name: n
parameters:
  WORD: none
operators:
- name: a
  container: {image: say}
  variables: {TEXT: same}
  output:
  - {name: o, path: /output, type: stream, element-type: raw}
- name: b
  container: {image: say}
  variables: {TEXT: '${{WORD}} ${{JOB_ID}}'}
  input:
  - {from: a, name: o, path: /input, type: stream, element-type: raw}
  output:
  - {name: o, path: /output, type: stream, element-type: raw}
"""


def test_values_of_a_template_are_kept_or_given_anew(clara: Clara, project: Project) -> None:
    project.operator("say", "import os\nprint(os.environ['TEXT'])\nos.stat(os.environ['GATE'])")
    (project.folder / "t.yaml").write_text(TEMPLATE.replace("TEXT:", f"GATE: '{project.folder}/gate', TEXT:"))
    job = clara.job(clara.pipeline(project.folder / "t.yaml"))
    clara("start", "job", "-j", job, "--set", "WORD=hello", code=1)
    (project.folder / "gate").touch()
    first = clara("start", "job", "-j", job, "--resume").lines[0].split()[1]
    assert clara("logs", "-j", first, "-o", "b").lines == [f"hello {first}"]
    answer = clara("start", "job", "-j", first, "--from", "b", "--set", "WORD=bye")
    second = answer.lines[0].split()[1]
    assert clara("logs", "-j", second, "-o", "b").lines == [f"bye {second}"]
    assert "taken over: a" in answer.err
    answer = clara("start", "job", "-j", second, "--from", "b")
    third = answer.lines[0].split()[1]
    assert clara("logs", "-j", third, "-o", "b").lines == [f"bye {third}"]


def reused(answer: Answer) -> set[str]:
    line = next(line for line in answer.err.splitlines() if line.startswith("reused: "))
    return {part.split()[0] for part in line.removeprefix("reused: ").split(", ")} - {"nothing"}


class Reuse(Chain):
    def run(self, *flags: str) -> tuple[set[str], list[str]]:
        """What was reused, and what ran."""
        answer = self.clara("run", self.definition, "-f", self.data, "--reuse", *flags)
        self.last = answer.lines[0].split()[1]
        return reused(answer), self.ran_since()


@pytest.fixture
def reuse(clara: Clara, project: Project) -> Reuse:
    reuse = Reuse(clara, project)
    reuse.gate.touch()
    return reuse


ALL = {"a", "b", "c", "d"}


def test_what_did_not_change_is_reused_also_of_a_job_that_was_run_without_reuse(clara: Clara, reuse: Reuse) -> None:
    clara("run", reuse.definition, "-f", reuse.data)
    first = clara("list", "jobs", "-q").lines[0]
    reuse.ran_since()
    assert reuse.run() == (ALL, [])
    described = clara("describe", "job", "-j", reuse.last)
    assert "STATUS: JOB_STATUS_HEALTHY" in described.lines
    assert f"info: reused, since nothing changed: a (job {first}), b (job {first})" in described.out
    assert (payload_of(clara, reuse.last) / "operators" / "c" / "o" / "x").read_text() == "one"
    assert clara("logs", "-j", reuse.last).out == clara("logs", "-j", first).out


def test_a_changed_input_runs_all_and_an_old_one_is_found_again(reuse: Reuse) -> None:
    reuse.run()
    (reuse.data / "x").write_text("two")
    assert reuse.run() == (set(), ["a", "b", "c", "d"])
    (reuse.data / "x").write_text("one")
    assert reuse.run() == (ALL, []), "the content counts, not the time of the file"
    (reuse.data / "y").touch()
    assert reuse.run()[0] == set()


def test_a_changed_program_or_definition_runs_with_all_that_follows(clara: Clara, reuse: Reuse) -> None:
    reuse.run()
    text = reuse.definition.read_text()
    reuse.definition.write_text(
        text.replace("name: c\n  container: {image: copy}", "name: c\n  container: {image: other}")
    )
    reuse.project.operator("other", COPY + "# another\n")
    assert reuse.run() == ({"a", "b", "d"}, ["c"])
    reuse.project.operator("other", COPY + "# again another\n")
    assert reuse.run() == ({"a", "b", "d"}, ["c"])
    reuse.definition.write_text(text)
    assert reuse.run() == (ALL, [])
    assert reuse.run("-n", "another name")[0] == set(), "operators see the name of the job"


def test_results_or_inputs_that_somebody_changed_are_not_reused(clara: Clara, reuse: Reuse) -> None:
    reuse.run()
    first = reuse.last
    time.sleep(0.1)
    (payload_of(clara, first) / "operators" / "b" / "o" / "x").write_text("mended by hand")
    assert reuse.run() == ({"a", "d"}, ["b", "c"])
    time.sleep(0.1)
    (payload_of(clara, first) / "input" / "z").touch()
    (payload_of(clara, reuse.last) / "input" / "z").touch()
    (reuse.data / "z").touch()
    assert reuse.run()[0] == set()


def test_a_job_that_failed_is_nothing_to_reuse_but_to_resume(clara: Clara, reuse: Reuse) -> None:
    reuse.gate.unlink()
    clara("run", reuse.definition, "-f", reuse.data, "--reuse", code=1)
    reuse.ran_since()
    reuse.gate.touch()
    assert reuse.run()[0] == set()


def test_a_program_that_changed_while_its_job_ran_is_not_reused(clara: Clara, reuse: Reuse) -> None:
    reuse.project.operator("copy", COPY + f"open({str(reuse.project.folder / 'copy' / 'note')!r}, 'w').close()\n")
    reuse.run()
    assert reuse.run()[0] == set()


def test_resuming_and_reusing_together(clara: Clara, reuse: Reuse) -> None:
    reuse.run()
    reuse.gate.unlink()
    clara("run", reuse.definition, "-f", reuse.data, code=1)
    failed = clara("list", "jobs", "-q").lines[0]
    reuse.ran_since()
    assert {"b", "c"} <= reused(clara("start", "job", "-j", failed, "--resume", "--reuse"))
    assert reuse.ran_since() == []
    answer = clara("start", "job", "-j", failed, "--from", "c", "--reuse", code=2)
    assert "--from says what runs again, --reuse what does not" in answer.err


def test_reusing_detached_and_several_at_once(clara: Clara, reuse: Reuse) -> None:
    reuse.run()
    pipeline = clara("list", "pipelines", "-q").lines[0]
    jobs = [clara.job(pipeline, reuse.data, "test-pipeline") for _ in range(2)]
    answer = clara("start", "job", "-j", jobs[0], "--reuse", "--detach")
    assert reused(answer) == ALL
    clara("wait", "job", jobs[0], "--timeout", 60)
    clara("start", "jobs", *jobs[1:], jobs[0], "--reuse", code=1)
    assert reuse.ran_since() == []
    again = clara("start", "jobs", *jobs, "--from", "c")
    assert [line.split(":")[0] for line in again.lines[:4]] == ["JOB_ID", "PAYLOAD_ID"] * 2
    assert reuse.ran_since() == ["c", "c"]


def test_variables_are_reused_only_with_all_that_need_them(clara: Clara, project: Project) -> None:
    kind = "name: v, type: u8"
    definition = project.definition(
        f"- name: p\n  container: {{image: p}}\n  output:\n  - {{{kind}}}\n"
        f"- name: q\n  container: {{image: q}}\n  input:\n  - {{from: p, {kind}}}\n"
    )
    project.driver("p", "payload.fastio_output_entries['v'].value = 3")
    project.driver("q", "print('got', payload.fastio_input_entries['v'].value)")
    clara("run", definition)
    assert reused(clara("run", definition, "--reuse")) == {"p", "q"}
    project.driver("q", "print('has', payload.fastio_input_entries['v'].value)")
    answer = clara("run", definition, "--reuse")
    assert reused(answer) == set()
    assert clara("logs", "-j", answer.lines[0].split()[1], "-o", "q").lines == ["has 3"]
