"""Operators that are forked find what those find that are started anew."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support import Clara, Project, processes_of

from clara_cli.runtime.fork_server import ForkServer

pytestmark = pytest.mark.e2e

# Everything that a program can see of how it was started, but for numbers that are different each time.
PROBE = """
import sys

WARM = "numpy" in getattr(sys, "mod" + "ules")
import clara
import numpy
import builtins, gc, inspect, json, locale, os, random, resource, signal, stat, sys, threading, time
import traceback, warnings

# Programs in whose text these stand are not forked.
MODULES = getattr(sys, "mod" + "ules")

def status(*names):
    with open("/proc/self/status") as file:
        return {line.partition(":")[0]: line.split(":", 1)[1].strip() for line in file
                if line.partition(":")[0] in names}

def shown(path):
    with open(path, "rb") as file:
        return file.read().decode().split("\\0")

def descriptors():
    found = []
    for name in sorted(os.listdir("/proc/self/fd"), key=int):
        try:
            info = os.fstat(int(name))
            kind = os.readlink("/proc/self/fd/" + name).partition(":")[0].partition("#")[0]
            # The runner's numbers are its own affair; those of stdin, stdout and stderr are not.
            found.append([min(int(name), 3), stat.S_IFMT(info.st_mode), os.get_inheritable(int(name)), kind])
        except OSError:
            pass  # that of the list
    return found

def streams():
    return {name: [type(stream).__name__, stream.encoding, stream.errors, stream.line_buffering, stream.write_through,
                   stream.isatty(), stream.fileno(), stream.name, stream.mode, stream.newlines,
                   type(stream.buffer).__name__, stream.closed]
            for name, stream in (("in", sys.stdin), ("out", sys.stdout), ("err", sys.stderr))}

def execute(driver, payload):
    global SEEN
    main = MODULES["__main__"]
    SEEN = {
        "argv": sys.argv, "orig_argv": sys.orig_argv, "path": sys.path, "flags": list(sys.flags), "prefix": sys.prefix,
        "executable": [sys.executable, sys._base_executable, sys.base_prefix, os.readlink("/proc/self/exe")],
        "options": [sys.warnoptions, sys._xoptions, sys.dont_write_bytecode, sys.pycache_prefix, sys.platlibdir],
        "main": {name: repr(value).partition(" object at ")[0] for name, value in vars(main).items()
                 if name.startswith("__") and name != "__builtins__"},
        "builtins": [vars(main)["__builtins__"] is builtins, sorted(vars(builtins))],
        "modules": sorted(MODULES), "attributes": {name: sorted(vars(MODULES[name])) for name in
                                                       ("clara", "numpy", "sys", "os", "signal", "threading")},
        "finders": [[str(item).partition(" at ")[0] for item in getattr(sys, "meta_" + "path")],
                    len(getattr(sys, "path_" + "hooks"))],
        "file": __file__, "name": __name__, "environment": sorted(os.environ.items()),
        "system": [shown("/proc/self/cmdline"), sorted(shown("/proc/self/environ")), open("/proc/self/comm").read()],
        "cwd": [os.getcwd(), os.listdir(), os.path.realpath("/proc/self/root")],
        "status": status("Uid", "Gid", "Groups", "Umask", "Seccomp", "NoNewPrivs", "CapInh", "CapPrm", "CapEff",
                         "CapBnd", "CapAmb", "SigBlk", "SigIgn", "SigCgt", "ShdPnd", "CoreDumping", "TracerPid"),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource)
                   if name.startswith("RLIMIT_") and name != "RLIMIT_NPROC"},
        "signals": {int(number): str(signal.getsignal(number)).partition(" at ")[0]
                    for number in signal.valid_signals()},
        "wakeup": signal.set_wakeup_fd(-1) if threading.current_thread() is threading.main_thread() else None,
        "descriptors": descriptors(), "streams": streams(),
        "threads": [sorted(type(item).__name__ + item.name for item in threading.enumerate()),
                    threading.main_thread().name, threading.main_thread().is_alive(), threading.main_thread().daemon,
                    threading.main_thread().ident == MAIN, threading.stack_size()],
        "recursion": [sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(), sys.getprofile()],
        "gc": [gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks],
        "stack": STACK, "frames": FRAMES, "hooks of errors": [sys.excepthook is sys.__excepthook__,
            threading.excepthook is threading.__excepthook__, sys.unraisablehook is sys.__unraisablehook__,
            sys.displayhook is sys.__displayhook__, getattr(sys, "last_type", "none")],
        "warnings": [repr(item) for item in warnings.filters], "locale": locale.setlocale(locale.LC_ALL),
        "encodings": [sys.getdefaultencoding(), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()],
        "scheduling": [os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0)), os.sched_getscheduler(0)],
        "session": [os.getsid(0) == os.getpgid(0), os.getpid() == os.getsid(0) or os.path.exists("/.clara")],
        "terminal": os.path.exists("/dev/tty") and can_open("/dev/tty"), "umask": os.umask(0o22),
        "children": open("/proc/self/task/%d/children" % os.getpid()).read(),
        "folders": [sorted(os.listdir("/")), sorted(os.listdir("/tmp")) if os.path.exists("/.clara") else "shared"],
        "mounts": sorted(" ".join(line.split()[3:6]) for line in open("/proc/self/mountinfo")),
        "time zone": time.tzname, "recent": time.process_time() < 5,
        "oom": open("/proc/self/oom_score_adj").read(), "groups": open("/proc/self/cgroup").read(),
        "forked": WARM, "dumpable": os.access("/proc/self/mem", os.R_OK),
    }

def can_open(path):
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        return str(error)

MAIN = threading.get_ident()
STACK = traceback.format_stack()
FRAMES = [frame.f_code.co_name for frame in sys._current_frames().values()]
driver = clara.Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
SEEN["random"] = [random.random(), float(numpy.random.rand()), os.urandom(4).hex()]
print(json.dumps(SEEN, default=repr))
print("on stderr", file=sys.stderr)
"""

OPERATOR = """
- name: a
  container: {image: a}
  output: [{name: token, type: array, element-type: uint8, shape: [1]}]
"""
PLAIN = "- {name: a, container: {image: a}}"
# Ids of a job differ from run to run.
CHANGING = re.compile(r"[0-9a-f]{32}")
# What a program adds to its log to say that it was forked.
FORKED = """
import os, sys
if __name__ == "__main__":
    print("forked" if "numpy" in getattr(sys, "mod" + "ules") else "started", flush=True)
"""


def log(clara: Clara, job: str) -> str:
    return CHANGING.sub("JOB", clara("logs", "-j", job, "-o", "a").out)


def seen(clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch, warm: bool) -> dict[str, Any]:
    """What the probe saw in a job of its own."""
    monkeypatch.setenv("CLARA_WARM_START", "1" if warm else "0")
    job, _ = clara.run(project.definition(OPERATOR))
    text = log(clara, job)
    assert text.endswith("on stderr\n")
    found: dict[str, Any] = json.loads(text.removesuffix("on stderr\n"))
    assert found.pop("forked") == warm
    return found


def test_a_forked_operator_sees_what_a_started_one_sees(
    clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    project.operator("a", PROBE)
    started = seen(clara, project, monkeypatch, warm=False)
    forked = seen(clara, project, monkeypatch, warm=True)
    again = seen(clara, project, monkeypatch, warm=True)
    assert len({json.dumps(run.pop("random")) for run in (started, forked, again)}) == 3
    assert forked.keys() == started.keys()
    assert {name: (value, forked[name]) for name, value in started.items() if forked[name] != value} == {}


ENDS = {
    "well": "print('done')",
    "in an exception": "def f(x):\n    return g(x)\ndef g(x):\n    return 1 / x\nf(0)",
    "in an exception of another": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('no a') from e",
    "in a group of exceptions": "import asyncio\nasync def f():\n    raise OSError(2, 'none', 'x')\nasyncio.run(f())",
    "with a status": "import sys; sys.exit(3)",
    "with the status of a large number": "import sys; sys.exit(260)",
    "with words": "import sys; sys.exit('no more')",
    "with status 0": "import sys; print('out'); sys.exit()",
    "with status 0 in a thread": "import sys, threading; t = threading.Thread(target=sys.exit, args=(3,)); t.start()",
    "at once": "import os; print('lost?', end=''); os._exit(4)",
    "by SIGKILL": "import os; os.kill(os.getpid(), 9)",
    "by SIGSEGV": "import ctypes; ctypes.string_at(0)",
    "by SIGTERM": "import os; os.kill(os.getpid(), 15)",
    "by an interrupt": "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)",
    "by abort": "import os; os.abort()",
    "as no Python": "print('never'\n",
    "as no text": "print('\\xff')\n# \xe9 is fine",
    "in a hook": "import sys\nsys.excepthook = lambda kind, error, trace: print('hook', kind, error)\n1 / 0",
    "in a hook that fails": "import sys\nsys.excepthook = lambda *a: 1 / 0\nNONE",
    "in too deep a recursion": "def f(): f()\ntry:\n    f()\nexcept RecursionError:\n    print('deep')\nf()",
    "with exit handlers": (
        "import atexit\natexit.register(print, 'first')\n@atexit.register\ndef _():\n    print('last')\n    1 / 0\n"
        "class A:\n    def __del__(self): print('deleted')\na = A()\nb = [A()]; b.append(b)\n"
    ),
    "with a file that nobody closed": (
        "f = open('kept', 'w'); f.write('x' * 10)\nimport subprocess, sys, os\n"
        "import atexit; print(os.path.getsize('kept'))\n"
    ),
    "after its threads": (
        "import os, threading, time\nprint(threading.main_thread().native_id == os.getpid())\n"
        "def later():\n    time.sleep(0.2)\n    print('thread', threading.main_thread().name)\n"
        "threading.Thread(target=later).start()\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    ),
    "with stdout closed": "import sys, os; print('x', end=''); os.close(1); print('y')",
    "with warnings": "import warnings\nwarnings.warn('careful')\ndef f(): warnings.warn('up', stacklevel=2)\nf()",
    "with logging": "import logging; logging.basicConfig(format='%(funcName)s %(module)s'); logging.error('x')",
    "with children": (
        "import os, subprocess, sys, multiprocessing, concurrent.futures as c\n"
        "if __name__ == '__main__':\n"
        "    print(subprocess.run([sys.executable, '-c', 'print(1)'], stdout=-1).stdout)\n"
        "    for way in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(way).Pool(2) as pool:\n"
        "            print(way, pool.map(abs, [-1, -2]))\n"
        "    with c.ThreadPoolExecutor(2) as pool:\n        print(list(pool.map(abs, [-3])))\n"
        "    if os.fork() == 0:\n        print('child', __name__); sys.exit(5)\n"
        "    print(os.waitstatus_to_exitcode(os.wait()[1]))"
    ),
    "with an alarm": "import signal\nsignal.signal(14, lambda *a: print('rang'))\nsignal.alarm(1)\nsignal.pause()",
    "after pickling": (
        "import pickle, copy, inspect, numpy\nclass A:\n    x = 1\nprint(type(pickle.loads(pickle.dumps(A()))))\n"
        "print(inspect.getsource(A), A.__module__, inspect.getmodule(A).__name__, inspect.stack()[-1].function)\n"
        "print(pickle.loads(pickle.dumps(numpy.arange(3))).sum(), numpy.linalg.inv(numpy.eye(2)).tolist())"
    ),
}


def same(text: str) -> str:
    """Without what is different each time: ids, addresses, and how deep exactly Python 3.11 can go."""
    text = re.sub(r"(?m)^(  )?(forked|started)$", "", text) if text.startswith("Error") else text
    return re.sub(r"repeated 99\d more", "repeated", re.sub(r" at 0x[0-9a-f]+>", ">", CHANGING.sub("JOB", text)))


@pytest.mark.parametrize("program", ENDS.values(), ids=ENDS.keys())
def test_a_forked_operator_ends_as_a_started_one(
    clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch, way: str, program: str
) -> None:
    definition = project.definition(PLAIN)
    said, logs = [], []
    for warm in (False, True):
        monkeypatch.setenv("CLARA_WARM_START", "1" if warm else "0")
        # Python reads no line of a program that is none.
        project.operator("a", program if program.startswith("print('never'") else f"{FORKED}\n{program}\n")
        job = clara.job(clara.pipeline(definition))
        answer = clara("start", "job", "-j", job, code=None)
        said.append((answer.code, same(answer.err)))
        logs.append(same(log(clara, job)))
    if not program.startswith("print('never'"):
        assert logs[0].startswith("started\n")
        assert logs[1].startswith("forked\n")
    assert logs[1].removeprefix("forked\n") == logs[0].removeprefix("started\n")
    assert said[1] == said[0]


# What still refers to the program's variables when Python ends.
HOLDERS = {
    "nothing": "",
    "a function in a module": "import threading\nthreading.mine = lambda: file",
    "a hook": "import threading\nthreading.excepthook = lambda _: file",
    "an attribute of a class": "import clara\nclara.Driver.mine = lambda self: file",
    "a list of a module": "import re\nre.mine = [[lambda: file]]",
    "a destructor": "class A:\n    def __del__(self): file.write('!')\nimport threading\nthreading.mine = A()",
    "a generator": (
        "import threading\ndef gen():\n    try:\n        yield\n    finally:\n        file.write('!')\n"
        "threading.mine = gen()\nnext(threading.mine)"
    ),
    "a weak reference": (
        "import threading, weakref\nclass A: pass\n"
        "threading.mine = A()\nthreading.yours = weakref.ref(threading.mine, lambda _: file.write('!'))"
    ),
    "a cache of types": (
        "from typing import List\nclass A:\n    def get(self): return file\ndef f(x: List[A]): pass\n"
    ),
    "a hook that is not looked at": "import gc, threading\ngc.freeze()\nthreading.excepthook = lambda _: file",
    "a stream of its own": (
        "import sys\nclass Tee:\n    def write(self, text): return len(text)\n"
        "    def flush(self):\n        import numpy\n        file.write('!')\nsys.stdout = Tee()"
    ),
    "exit handlers that the program ran": (
        "import atexit\natexit._run_exitfuncs()\nimport numpy, threading\nthreading.excepthook = lambda _: file"
    ),
    "a thread": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), kwargs={}, daemon=True).start()\nthreading.mine = lambda: file"
    ),
}


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS.keys())
def test_nothing_is_lost_whatever_refers_to_it(
    clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch, meeting: Path, way: str, holder: str
) -> None:
    definition = project.definition(PLAIN)
    kept = []
    for warm in (False, True):
        monkeypatch.setenv("CLARA_WARM_START", "1" if warm else "0")
        path = meeting / f"kept-{warm}"
        project.operator("a", f"{FORKED}\nfile = open({str(path)!r}, 'w')\nfile.write('important')\n{holder}\n")
        clara("start", "job", "-j", clara.job(clara.pipeline(definition)))
        kept.append(path.read_text())
    assert kept[0].startswith("important")
    assert kept[1] == kept[0]


def forked(clara: Clara, project: Project, operator: str = PLAIN) -> bool:
    """Whether the operator of a job was forked, as it says itself."""
    job, _ = clara.run(project.definition(operator))
    said = log(clara, job).splitlines()[-1]
    assert said in ("forked", "started")
    return said == "forked"


def test_it_can_be_switched_off(clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.operator("a", FORKED)
    assert forked(clara, project)
    project.configure("warm_start: false")
    assert not forked(clara, project)
    monkeypatch.setenv("CLARA_WARM_START", "1")
    assert forked(clara, project)
    project.configure("")
    monkeypatch.setenv("CLARA_WARM_START", "0")
    assert not forked(clara, project)
    monkeypatch.setenv("CLARA_WARM_START", "perhaps")
    assert 'CLARA_WARM_START is "perhaps": expected 1 or 0' in clara("list", "jobs", code=1).err


@pytest.mark.parametrize(
    "name",
    [
        *("PYTHONHASHSEED", "PYTHONPATH", "PYTHONSTARTUP", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
        *("MKL_NUM_THREADS", "LD_PRELOAD", "MALLOC_ARENA_MAX", "TZ", "LC_ALL", "LANG"),
    ],
)
def test_who_sets_what_is_read_early_is_started(clara: Clara, project: Project, name: str) -> None:
    project.operator("a", FORKED)
    assert not forked(clara, project, f"- {{name: a, container: {{image: a}}, variables: {{{name}: '7'}}}}")
    assert forked(clara, project, "- {name: a, container: {image: a}, variables: {MINE: '7'}}")


def test_variables_of_the_user_count_for_both(clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    project.operator("a", FORKED + "import time; print(os.environ['OM' 'P_NUM_THREADS'], time.tzname)")
    job, _ = clara.run(project.definition(PLAIN))
    assert log(clara, job) == "forked\n1 ('JST', 'JST')\n"


@pytest.mark.parametrize(
    "more",
    [
        "os.environ['OMP_NUM_THREADS'] = '1'\nimport numpy",
        "import sys\nsys.modules.pop('json', None)",
        "import resource\nresource.setrlimit(resource.RLIMIT_STACK, resource.getrlimit(resource.RLIMIT_STACK))",
        "import beside",
    ],
)
def test_programs_that_would_find_something_else_are_started(clara: Clara, project: Project, more: str) -> None:
    folder = project.operator("a", f"{FORKED}\n{more}")
    (folder / "beside.py").write_text("import os\nos.environ.setdefault('MKL_NUM_THREADS', '1')\n")
    if "beside" not in more:
        (folder / "beside.py").unlink()
    assert not forked(clara, project)


@pytest.mark.parametrize("when", ["before it was asked", "after it was asked"])
def test_operators_run_without_a_fork_server_that_was_killed(
    clara: Clara, project: Project, way: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    fork = ForkServer.fork

    def kill(server: ForkServer) -> None:
        os.kill(server._pid, signal.SIGKILL)
        os.waitid(os.P_PID, server._pid, os.WEXITED | os.WNOWAIT)

    def late(server: ForkServer, document: int, descriptors: Sequence[int]) -> bool:
        if when.startswith("before"):
            kill(server)
            return fork(server, document, descriptors)
        os.kill(server._pid, signal.SIGSTOP)
        asked = fork(server, document, descriptors)
        kill(server)
        return asked

    monkeypatch.setattr(ForkServer, "fork", late)
    project.operator("a", FORKED)
    assert not forked(clara, project)


DEEP = """
import sys
sys.setrecursionlimit(10**6)
def deep(n):
    return max(map(deep, [n - 1])) if n else 0
deep(10000)
"""


def test_an_unlimited_stack_is_one(clara: Clara, project: Project) -> None:
    project.operator("a", FORKED + DEEP)
    _, hard = limits = resource.getrlimit(resource.RLIMIT_STACK)
    if hard != resource.RLIM_INFINITY:
        pytest.skip("the stack cannot be unlimited here")
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    try:
        job, _ = clara.run(project.definition(PLAIN))
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, limits)
    assert log(clara, job).startswith("started\n")


@pytest.mark.parametrize("file", ["./main.py", "../app/main.py"])
def test_a_program_has_the_name_that_it_was_given(
    clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    folder = project.operator("a", "print(__file__)")
    (folder / "Dockerfile").write_text(f'FROM x\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["python", "{file}"]\n')
    for warm in "01":
        monkeypatch.setenv("CLARA_WARM_START", warm)
        job, _ = clara.run(project.definition(PLAIN))
        assert log(clara, job).endswith(f"/app/{file}\n")


@pytest.mark.parametrize("name", ["json.py", "numpy/__init__.py", "socket.pyc", "clara/__init__.py"])
def test_modules_of_the_program_hide_others_of_their_name(clara: Clara, project: Project, name: str) -> None:
    folder = project.operator("a", FORKED)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"mine = 1\n")
    assert not forked(clara, project)


def test_only_files_of_this_python_are_forked(clara: Clara, project: Project) -> None:
    folder = project.operator("a", FORKED)
    (folder / "other.py").write_text(textwrap.dedent(FORKED))
    for command, expected in (
        ("[python, other.py, x]", True),
        ("[python, -u, other.py]", True),
        ("[python, -B, other.py]", False),
        ("[python, -m, other]", False),
        ("[sh, -c, 'python main.py']", False),
    ):
        operator = f"- {{name: a, container: {{image: a, command: {command}}}}}"
        assert forked(clara, project, operator) is expected, command


def test_what_a_forked_operator_leaves_behind_is_ended(clara: Clara, project: Project, way: str) -> None:
    project.operator(
        "a",
        FORKED + "import time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        open('/proc/self/oom_score_adj').read()\n        time.sleep(600)\n    os._exit(0)\nos.wait()\n",
    )
    job, _ = clara.run(project.definition(PLAIN))
    assert log(clara, job) == "forked\n"
    assert processes_of(job) == []
