"""How the validator bears large and hostile definitions: time and memory, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.table import Table
from timing import Spread, interleaved

CHECK = """
import json, re, sys, time
from pathlib import Path
from clara_cli.errors import DefinitionError
from clara_cli.pipelines.load import load_pipeline
began = time.perf_counter()
try:
    said = f"valid, {len(load_pipeline(Path(sys.argv[1])).pipeline.operators)} operators"
except DefinitionError as error:
    said = error.message.splitlines()[0].partition(": ")[2] or error.message
spent = time.perf_counter() - began
# Not ru_maxrss, which counts what the parent had at the fork.
peak = re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(json.dumps([spent, int(peak) * 1024, said]))
"""
HEAD = "api-version: 0.4.0\nname: p\noperators:\n"


def chain(count: int) -> str:
    """Operators that each read the one before."""
    part = "- name: n{0}\n  container: {{image: group/image, tag: 1.0}}\n  variables: {{A: 1, B: x}}\n"
    part += "  output: [{{path: /out}}]\n  input: [{{from: n{1}, path: /in}}]\n"
    return HEAD + part.replace("from: n{1}, ", "").format(0) + "".join(part.format(n, n - 1) for n in range(1, count))


def templated(count: int) -> str:
    """Operators with six placeholders each."""
    part = "- name: n@\n  container: {image: '${{I}}', tag: '${{T}}', command: ['${{A}} ${{JOB_ID}}']}\n"
    part += "  requests: {cpu: '${{C}}'}\n  output: [{path: '/out/${{A}}'}]\n"
    head = "parameters: {I: i, T: t, A: a, C: 1}\n" + HEAD
    return head + "".join(part.replace("@", str(number)) for number in range(count))


def imported(count: int) -> str:
    return HEAD + "".join(f"- {{name: n{n}, import: {{path: part.yaml, args: {{A: {n}}}}}}}\n" for n in range(count))


def alias_bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines) + "\n"


def value_bomb() -> str:
    head = f"parameters: {{A: {'x' * 1_000_000}}}\n{HEAD}"
    return head + "- name: a\n  container: {image: i, command: ['" + "${{A}}" * 99 + "']}\n"


CASES: dict[str, Callable[[], str]] = {
    "20 operators": lambda: chain(20),
    "2,000 operators in a chain": lambda: chain(2000),
    "2,000 operators in a ring": lambda: chain(2000).replace("[{path: /in}]", "[{from: n1999, path: /in}]"),
    "2,000 operators with six placeholders": lambda: templated(2000),
    "2,000 imports of one file": lambda: imported(2000),
    "10 MB of comments": lambda: chain(1) + ("#" + "x" * 99 + "\n") * 100_000,
    "10 MB of operators": lambda: chain(65_000),
    "10 MB in one text": lambda: chain(1) + f"description: {'x' * 10_000_000}\n",
    "alias bomb, 9^11 values": alias_bomb,
    "placeholder bomb, 99 times 1 MB": value_bomb,
    "100,000 brackets": lambda: "x: " + "[" * 100_000,
    "20,000 unknown keys": lambda: chain(1) + "".join(f"k{n}: 1\n" for n in range(20_000)),
    "20,000 placeholders that nothing fills": lambda: (
        HEAD + "- name: a\n  container:\n    image: i\n    command:\n" + "    - ${{ X }}\n" * 20_000
    ),
}


def measure(runs: int) -> list[Table]:
    """Each case `runs` times, from reading the file to the answer, without starting Python."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "part.yaml").write_text("parameters: {A: 0}\ncontainer: {image: i, command: ['${{A}}']}\n")
        paths = {}
        for number, (name, text) in enumerate(CASES.items()):
            paths[name] = Path(folder) / f"{number}.yaml"
            paths[name].write_text(text())
        results = interleaved({name: lambda path=path: _check(path) for name, path in paths.items()}, runs)
    table = Table(title="definitions: validation, ms, and the process at its largest, MiB; median (least - greatest)")
    for column in ("definition", "time", "memory", "answer"):
        table.add_column(column, justify="right" if column in ("time", "memory") else "left")
    for name, series in results.items():
        times, memory = ([result[place] for result in series] for place in (0, 1))
        answer = str(series[0][2])
        table.add_row(name, Spread.of(times).milliseconds(), Spread.of(memory).mebibytes(), answer[:60])
    return [table]


def _check(path: Path) -> tuple[float, float, str]:
    done = subprocess.run([sys.executable, "-c", CHECK, str(path)], stdout=subprocess.PIPE, check=True)
    spent, memory, said = json.loads(done.stdout)
    return spent, memory, said
