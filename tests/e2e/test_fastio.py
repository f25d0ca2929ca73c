"""FastIO variables between real operators: shared, not copied, sealed, bounded."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from support import Clara, Project, processes_of, shared_memory_here, wait_until

from clara_cli.errors import RuntimeFailure
from clara_cli.fastio.observe import observe
from clara_cli.runtime.job_socket import socket_name

pytestmark = pytest.mark.usefixtures("way")

TWO = """
- name: producer
  container: {image: producer}
  output:
  - {name: data, type: array, element-type: SPEC, shape: [-1, 3]}
  - {name: text, type: string}
  - {name: number, type: float64}
- name: consumer
  container: {image: consumer}
  input:
  - {from: producer, name: data, type: array, element-type: SPEC, shape: [-1, 3]}
  - {from: producer, name: text, type: string}
  - {from: producer, name: number, type: float64}
  output:
  - {name: out, path: /output, type: stream, element-type: txt}
"""
# What an operator can say of a mapping without touching its pages: inode, and whether it may write.
MAPPED = """
entry = payload.fastio_{side}_entries["data"]
view = entry.array
address = view.__array_interface__["data"][0]
for line in open("/proc/self/maps"):
    first, last = (int(text, 16) for text in line.split()[0].split("-"))
    if first <= address < last:
        print("MAPPED", line.split()[1], line.split()[4], line.split()[5])
"""


def definition(project: Project, element_type: str = "float32") -> Path:
    return project.definition(TWO.replace("SPEC", element_type))


def logged(clara: Clara, job: str, operator: str, mark: str) -> list[str]:
    for line in clara("logs", "-j", job, "-o", operator).lines:
        if line.startswith(mark):
            return line.split()[1:]
    raise AssertionError(f"no line {mark}")


def test_both_sides_map_one_inode_and_nothing_is_copied(clara: Clara, project: Project, tmp_path: Path) -> None:
    rows = 4 << 20  # 48 MiB
    project.driver(
        "producer",
        f"payload.fastio_output_entries['data'].update_shape([{rows}, 3])\n"
        + MAPPED.format(side="output")
        + "view[:] = 7\nview[-1] = [1, 2, 3]\n"
        "payload.fastio_output_entries['text'].value = 'grüße'\npayload.fastio_output_entries['number'].value = 2.5",
    )
    project.driver(
        "consumer",
        MAPPED.format(side="input") + "import resource\n"
        "before = int(open('/proc/self/smaps_rollup').read().split('Pss_Anon:')[1].split()[0])\n"
        "assert view.sum(dtype='f8') == 7.0 * 3 * " + str(rows - 1) + " + 6\n"
        "after = int(open('/proc/self/smaps_rollup').read().split('Pss_Anon:')[1].split()[0])\n"
        "print('GREW', after - before)\n"
        "assert not view.flags.writeable and not view.flags.owndata\n"
        "try:\n    view[0, 0] = 1\nexcept ValueError:\n    print('REFUSED ok')\n"
        "entries = payload.fastio_input_entries\n"
        "with open(payload.output_entries['out'].path + '/x.txt', 'w') as file:\n"
        "    file.write(entries['text'].value + ' ' + str(entries['number'].value))",
    )
    job, _ = clara.run(definition(project))
    written, read = logged(clara, job, "producer", "MAPPED"), logged(clara, job, "consumer", "MAPPED")
    assert written[1:] == read[1:], "two different files were mapped"
    assert written[2].startswith("/dev/shm/")
    assert (written[0], read[0]) == ("rw-s", "r--s")
    assert int(logged(clara, job, "consumer", "GREW")[0]) < 8 << 10, "reading made private pages (KiB)"
    assert logged(clara, job, "consumer", "REFUSED") == ["ok"]
    clara("download", f"{job}:/operators/consumer/out/x.txt", tmp_path / "x.txt")
    assert (tmp_path / "x.txt").read_text() == "grüße 2.5"


@pytest.mark.parametrize(
    "element_type", ["u8", "uint16", "u32", "uint64", "i8", "int16", "i32", "int64", "f16", "float32", "f64"]
)
def test_every_element_type_arrives_as_it_was(clara: Clara, project: Project, element_type: str) -> None:
    project.driver(
        "producer",
        "entries = payload.fastio_output_entries\nimport numpy\n"
        "entries['data'].array = numpy.arange(12).reshape(3, 4).T[:, ::1].astype(entries['data'].dtype)\n"
        "entries['text'].value = ''\nentries['number'].value = -1",
    )
    project.driver(
        "consumer",
        "entries = payload.fastio_input_entries\nimport numpy\n"
        "assert entries['data'].array.tolist() == numpy.arange(12).reshape(3, 4).T.tolist()\n"
        "assert entries['data'].shape == [4, 3]\n"
        "assert entries['text'].value == '' and entries['text'].shape == [0]\n"
        "print('TYPE', entries['data'].array.dtype)\n"
        "open(payload.output_entries['out'].path + '/x', 'w').close()",
    )
    job, _ = clara.run(definition(project, element_type))
    full = {"u": "uint", "i": "int", "f": "float"}[element_type[0]] + "".join(c for c in element_type if c.isdigit())
    assert logged(clara, job, "consumer", "TYPE") == [full]


def test_writes_after_execute_do_not_reach_the_consumer(clara: Clara, project: Project) -> None:
    project.operator(
        "producer",
        """
        import clara
        kept = []
        def execute(driver, payload):
            entries = payload.fastio_output_entries
            entries["data"].update_shape([2, 3])
            entries["data"].array[:] = 1
            kept.append(entries["data"].array[:])
            kept.append(memoryview(entries["data"].array).cast("B"))
            entries["text"].value, entries["number"].value = "x", 1
        def cleanup(driver):
            kept[0][1, 1] = 99
            kept[1][0] = 99
            assert kept[0][1, 1] == 99
        driver = clara.Driver(execute_handler=execute, cleanup_handler=cleanup)
        driver.start()
        driver.wait_for_completion()
        """,
    )
    project.driver("consumer", "assert (payload.fastio_input_entries['data'].array == 1).all()")
    clara.run(definition(project))


def test_a_consumer_waits_in_the_driver_and_is_pending_until_its_execute(
    clara: Clara, project: Project, meeting: Path
) -> None:
    gate = meeting / "gate"
    project.driver(
        "producer",
        "entries = payload.fastio_output_entries\nentries['data'].update_shape([1, 3])\n"
        "entries['text'].value = 'a'\nentries['number'].value = 1\n"
        f"while not os.path.exists('{gate}'): time.sleep(0.01)",
    )
    project.driver("consumer", "print('executed')", prepare="print('prepared', flush=True)")
    job = clara.job(clara.pipeline(definition(project)))
    clara("start", "job", "-j", job, "--detach")
    log = wait_until(lambda: "prepared" in clara("logs", "-j", job, "-o", "consumer").out, "the consumer's prepare")
    assert log
    described = clara("describe", "job", "-j", job).lines
    assert described[14].split()[:2] == ["producer", "JOB_OPERATOR_STATUS_RUNNING"]
    assert described[15].split()[:2] == ["consumer", "JOB_OPERATOR_STATUS_PENDING"]
    gate.touch()
    wait_until(lambda: "JOB_STATE_STOPPED" in clara("describe", "job", "-j", job).out, "the end of the job")
    assert clara("logs", "-j", job, "-o", "consumer").lines == ["prepared", "executed"]


def test_an_observer_maps_a_running_jobs_variables_read_only(clara: Clara, project: Project, meeting: Path) -> None:
    gate = meeting / "gate"
    project.driver(
        "producer",
        "entries = payload.fastio_output_entries\nentries['data'].update_shape([2, 3])\nentries['data'].array[:] = 5\n"
        "print('SEGMENT', os.fstat(entries['data'].inherited).st_ino, flush=True)\n"
        "entries['text'].value = 'a'\nentries['number'].value = 1\n"
        f"while not os.path.exists('{gate}'): time.sleep(0.01)",
    )
    project.driver("consumer", "pass")
    job = clara.job(clara.pipeline(definition(project)))
    clara("start", "job", "-j", job, "--detach")
    seen = wait_until(
        lambda: processes_of(job) and len(found := observe(socket_name(job))) == 3 and found, "three variables"
    )
    by_name = {item.name: item for item in seen}
    assert by_name["data"].operator == "producer"
    assert np.array_equal(by_name["data"].array, np.full((2, 3), 5, np.float32))
    assert not by_name["data"].array.flags.writeable
    assert by_name["data"].inode == int(logged(clara, job, "producer", "SEGMENT")[0])
    gate.touch()
    wait_until(lambda: "JOB_STATE_STOPPED" in clara("describe", "job", "-j", job).out, "the end of the job")
    assert by_name["data"].array.sum() == 30, "a view outlives the job"
    with pytest.raises(RuntimeFailure, match="not running here"):
        observe(socket_name(job))


@pytest.mark.parametrize(
    ("producer", "told"),
    [
        ("pass", "output data, text"),
        ("payload.fastio_output_entries['data'].update_shape([2, 4])", "data"),
        ("payload.fastio_output_entries['data'].update_shape([1 << 50, 3])", "bytes are needed"),
        ("payload.fastio_output_entries['data'].array = [['a', 'b', 'c']]", "cannot store"),
        ("payload.fastio_output_entries['none']", "none"),
        ("os._exit(0)", 'it ended without giving its FastIO output "data", "text"'),
        ("return False", "exit code 1"),
        ("raise RuntimeError('boom')", "boom"),
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("sys.exit(7)", "exit code 7"),
    ],
)
def test_what_a_producer_can_do_wrong(clara: Clara, project: Project, producer: str, told: str) -> None:
    before = shared_memory_here()
    project.driver("producer", producer)
    project.driver("consumer", "pass")
    job, started = clara.run(definition(project), code=1)
    assert "operator producer failed" in started.err
    assert told in started.err
    assert "operator consumer failed" not in started.err
    described = clara("describe", "job", "-j", job).lines
    assert described[14].split()[1] == "JOB_OPERATOR_STATUS_FAULTED"
    assert described[15].split()[1] == "JOB_OPERATOR_STATUS_PENDING"
    assert processes_of(job) == []
    assert set(shared_memory_here()) <= set(before)


def test_a_shape_that_a_reader_declared_otherwise_is_refused_in_the_producer(clara: Clara, project: Project) -> None:
    path = project.definition(
        """
- name: producer
  container: {image: producer}
  output:
  - {name: data, type: array, element-type: u8, shape: [-1, 3]}
- name: consumer
  container: {image: consumer}
  input:
  - {from: producer, name: data, type: array, element-type: u8, shape: [8, 3]}
"""
    )
    project.driver("producer", "payload.fastio_output_entries['data'].update_shape([9, 3])")
    project.driver("consumer", "pass")
    _, started = clara.run(path, code=1)
    assert 'does not fit input "data" of operator consumer, declared as [8, 3]' in started.err


def test_hand_made_shared_memory_between_operators(clara: Clara, project: Project) -> None:
    path = project.definition(
        """
- name: reader
  container: {image: reader}
  output:
  - path: /output
- name: filter
  container: {image: filter}
  input:
  - {from: reader, path: /input}
  output:
  - path: /output
- name: writer
  container: {image: writer}
  input:
  - {from: filter, path: /input}
""",
        version="0.4.0",
    )
    touch = "open(payload.output_entries[0].path + '/dummy', 'w').close()"
    project.driver(
        "reader",
        "allocation = payload.fastio_context.create(24)\nallocation.set_type_and_dimensions('f32', [2, 3])\n"
        f"with allocation as array:\n    array[:] = [[1, 2, 3], [4, 5, 6]]\nallocation.publish('volume')\n{touch}",
    )
    project.driver(
        "filter",
        "allocation = payload.fastio_context.get('volume')\nwith allocation as array:\n    array[:] *= 2\n"
        f"allocation.publish('filtered')\n{touch}",
    )
    project.driver(
        "writer",
        "allocation = payload.fastio_context.get('filtered')\n"
        "with allocation.mapped('read') as array:\n    print('SUM', array.sum(), array.dtype)\n"
        "try:\n    payload.fastio_context.get('nothing')\nexcept KeyError as error:\n    print('ERROR', error)",
    )
    before = shared_memory_here()
    job, _ = clara.run(path)
    assert logged(clara, job, "writer", "SUM") == ["42.0", "float32"]
    assert "published: filtered, volume" in clara("logs", "-j", job, "-o", "writer").out
    assert set(shared_memory_here()) <= set(before)


def test_a_process_that_did_not_inherit_the_descriptors_gets_them_over_the_socket(
    clara: Clara, project: Project, meeting: Path
) -> None:
    inner = Project(meeting).driver(
        "inner",
        "entries = payload.fastio_output_entries\nassert entries['data'].inherited is None\n"
        "entries['data'].array = [[1, 2, 3]]\nentries['text'].value = 'x'\nentries['number'].value = 1",
    )
    project.operator(
        "producer",
        "import subprocess, sys\n"
        f"sys.exit(subprocess.run([sys.executable, {str(inner / 'main.py')!r}], close_fds=True).returncode)",
    )
    project.driver("consumer", "assert payload.fastio_input_entries['data'].array.tolist() == [[1, 2, 3]]")
    clara.run(definition(project))


def test_two_jobs_at_once_do_not_meet(clara: Clara, project: Project) -> None:
    # A browser of other tests has one of its own.
    threads = threading.active_count()
    project.driver(
        "producer",
        "import numpy\nentries = payload.fastio_output_entries\n"
        "entries['data'].array = numpy.full((1000, 3), int(driver.job_name), 'f4')\n"
        "entries['text'].value = driver.job_name\nentries['number'].value = int(driver.job_name)",
    )
    project.driver(
        "consumer",
        "entries = payload.fastio_input_entries\nn = int(driver.job_name)\n"
        "assert (entries['data'].array == n).all()\n"
        "assert entries['text'].value == str(n) and entries['number'].value == n",
    )
    pipeline = clara.pipeline(definition(project))
    jobs = [clara.job(pipeline, name=str(number)) for number in range(6)]
    for job in jobs:
        clara("start", "job", "-j", job, "--detach")
    wait_until(lambda: clara("list", "jobs").out.count("JOB_STATE_STOPPED") == 6, "six jobs")
    assert clara("list", "jobs").out.count("JOB_STATUS_HEALTHY") == 6
    assert threading.active_count() <= threads
    assert os.environ["CLARA_ROOT"]


def test_a_forked_child_that_leaves_does_not_take_the_operator_with_it(clara: Clara, project: Project) -> None:
    path = project.definition("- name: a\n  container: {image: a}\n  output:\n  - {name: n, type: u8}\n")
    project.driver(
        "a",
        "child = os.fork()\nif child == 0:\n    sys.exit(0)\nos.waitpid(child, 0)\n"
        "payload.fastio_output_entries['n'].value = 1\nprint('went on')",
    )
    job, _ = clara.run(path)
    assert clara("logs", "-j", job).lines == ["a | went on"]


def test_what_a_failing_operator_wrote_is_not_lost(clara: Clara, project: Project, meeting: Path) -> None:
    path = project.definition("- name: a\n  container: {image: a}\n", "0.4.0")
    kept = meeting / "kept"
    project.driver("a", f"global file\nfile = open('{kept}', 'w')\nfile.write('important')\nreturn False")
    clara.run(path, code=1)
    assert kept.read_text() == "important"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
def test_a_job_whose_name_a_stranger_has_taken_runs_all_the_same(clara: Clara, project: Project) -> None:
    project.driver(
        "producer",
        "entries = payload.fastio_output_entries\nentries['data'].update_shape([2, 3])\nentries['data'].array[:] = 5\n"
        "entries['text'].value = 'a'\nentries['number'].value = 1",
    )
    project.driver("consumer", "print('SUM', payload.fastio_input_entries['data'].array.sum())")
    job = clara.job(clara.pipeline(definition(project)))
    script = (
        "import os, socket, sys\nos.setuid(65534)\ns = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "s.bind('\\0' + sys.argv[1])\ns.listen()\nprint('up', flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", script, socket_name(job)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin and other.stdout and other.stdout.readline() == "up\n"
        clara("start", "job", "-j", job)
        other.stdin.close()
    assert logged(clara, job, "consumer", "SUM") == ["30.0"]
