"""The script idioms of Clara Deploy's users (cli.md 7), each through a real bash, spelled as they spelled it.

The operators are small local programs with the documented names. Programs that are not part of clara (`kubectl`,
`sudo`, the load generator `cpload`) are stood in for by a few lines of shell: what counts is how they call clara.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support import EXAMPLE, Project, installed_command, nibabel_volumes

Shell = Callable[..., subprocess.CompletedProcess[str]]
WRITER = """
import os
for source in os.environ["NVIDIA_CLARA_INPUTPATHS"].split(";"):
    folder = source.split(":", 1)[1]
    out = os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(";")[0].split(":", 1)[1]
    names = sorted(os.listdir(folder))
    open(os.path.join(out, "result.csv"), "w").write(",".join(names) + "\\n")
    os.makedirs(os.path.join(out, "deeper"), exist_ok=True)
    open(os.path.join(out, "deeper", "more.txt"), "w").write("more\\n")
"""


@pytest.fixture
def classifier(project: Project) -> Path:
    """A pipeline of one operator, as the web back end used; returns the definition."""
    project.operator("chestxray", WRITER)
    return project.definition(
        "- name: classification\n  container: {image: group/chestxray, tag: '1.0'}\n"
        "  input: [{path: /input}]\n  output: [{path: /output}]\n",
        "0.4.0",
        "COVID-19-pipeline",
    )


def ran(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


def stand_in(folder: Path, name: str, text: str) -> str:
    """A program of somebody else on PATH, as `export` line for a script."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / "bin" / name).chmod(0o755)
    return f'export PATH="{folder}/bin:$PATH"\n'


def test_the_documented_session(shell: Shell, tmp_path: Path) -> None:
    """S5, word for word, with `$( )` where the page means it."""
    lines = ran(
        shell(
            f"""set -e
            clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml >&2
            PIPELINE_ID=$(clara list pipelines | grep fastio-passthrough-dynamic-pipeline | awk '{{print $2}}')
            clara create jobs -n fastio-variable-test -p $PIPELINE_ID -f {nibabel_volumes()}/anatomical.nii > made
            JOB=$(sed -n '1s/JOB_ID: //p' made); mv made {tmp_path}
            clara start job -j $JOB
            cd {tmp_path}
            clara download $JOB:/operators/compare-input-to-npz/* result
            cat result/truth-val/comparison.txt""",
            cwd=EXAMPLE,
        )
    )
    assert lines[-1] == "true"
    made = (tmp_path / "made").read_text().splitlines()
    assert [line.split(":")[0] for line in made[:2]] == ["JOB_ID", "PAYLOAD_ID"]


def test_the_slip_of_the_documented_session(shell: Shell) -> None:
    """S5 as printed sets the variable for `clara` alone: the line runs, and leaves PIPELINE_ID empty."""
    done = shell(
        """clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml
        PIPELINE_ID=clara list pipelines | grep fastio-passthrough-dynamic-pipeline | awk '{print $2}'
        echo "<$PIPELINE_ID>" """,
        cwd=EXAMPLE,
    )
    assert done.stdout.endswith("<>\n")


def test_a_pipeline_by_its_name(shell: Shell, classifier: Path) -> None:
    """S11."""
    lines = ran(shell("clara create pipelines -p pipeline.yaml; clara list pipelines", cwd=classifier.parent))
    assert lines[1] == f"NAME{' ' * 16}ID"
    assert lines[2] == f"COVID-19-pipeline   {lines[0].removeprefix('PIPELINE_ID: ')}"


def test_services_are_started_one_after_the_other(shell: Shell) -> None:
    """S10, S11."""
    script = "set -e; clara dicom start; clara render start; clara monitor start; clara console start --port 0; "
    lines = ran(shell(f"{script} clara console stop -y"))
    assert (lines[0], lines[-1]) == ("STATE: running", "Clara Console stopped.")


def test_a_pulled_pipeline_is_unpacked(shell: Shell, world: Path, classifier: Path) -> None:
    """S6, S11: the folder is that of an earlier pull; nothing can be pulled any more."""
    folder = world / "home" / ".clara" / "pipelines" / "clara_ai_covid19_pipeline"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "app_covid19-input_v1.zip", "w") as archive:
        archive.writestr("image.mhd", "data")
    (folder / "app.yaml").write_text(classifier.read_text())
    unzip = f"{sys.executable} -m zipfile -e"  # the program unzip need not be there
    lines = ran(
        shell(
            f"""set -e
            mkdir -p ~/.clara/pipelines
            cd ~/.clara/pipelines
            clara pull pipeline clara_ai_covid19_pipeline
            cd clara_ai_covid19_pipeline
            {unzip} app_covid19-input_v1.zip input
            clara create job -n test -p $(clara create pipelines -p app.yaml | awk '{{print $2}}') -f input/"""
        )
    )
    assert lines[0] == "Pipeline Name: clara_ai_covid19_pipeline"
    assert lines[-1] == "Payload uploaded successfully."


@pytest.mark.parametrize("folder", ["media/x.png", "media/image3D/lung scan/dcm/"])
def test_the_web_back_end(shell: Shell, classifier: Path, world: Path, folder: str) -> None:
    """S12: unquoted names, links that vanish after `start`, blanks around ids, polling by line and column."""
    (world / "store").mkdir()
    (world / "store" / "a.dcm").write_text("a")
    place = world / folder
    place.parent.mkdir(parents=True, exist_ok=True)
    if folder.endswith("/"):
        place.mkdir()
        (place / "a.dcm").symlink_to(world / "store" / "a.dcm")
    else:
        place.write_text("a")
    backend = world / "backend.py"
    backend.write_text(
        f'''
import os, subprocess, time
def run(line):
    done = subprocess.run(line, shell=True, capture_output=True, text=True)
    if done.returncode != 0:
        raise Exception(line + done.stderr)
    return done.stdout
CLARA = "{installed_command()}"
pipeline = run(CLARA + " list pipelines -q").strip()
output = run(f"{{CLARA}} create job -n ann lung project -p {{pipeline}} -f \'{folder}\' ")
job = output.split('\\n')[0].split(':')[1]
run(f"{{CLARA}} start job -j {{job}} ")
run(f"{{CLARA}}   describe job -j  {{job}} ")
if os.path.islink("{folder}a.dcm"):
    os.unlink("{folder}a.dcm")
while True:
    describe = run(f"{{CLARA}} describe job -j {{job}}")
    line = describe.split('\\n')
    if 'STOPPED' in line[6].split(':')[1].strip():
        break
    time.sleep(0.1)
assert '_HEALTHY' in line[5].split(':')[1].strip()
assert '1' in line[9].split(':')[1].strip()
os.makedirs("media/image3D/out/", exist_ok=True)
run(f"{{CLARA}} download {{job}}:/operators/classification/*.csv  tmp2d/")
run(f"{{CLARA}} download {{job}}:/operators/classification/* media/image3D/out/")
print(open("tmp2d/result.csv").read().strip())
print(sorted(os.listdir("media/image3D/out")))
'''
    )
    ran(shell(f"clara create pipelines -p {classifier}"))
    lines = ran(shell(f"{sys.executable} {backend}", cwd=world, CLARA_START="detach"))
    assert lines == [Path(folder).name if folder.endswith("png") else "a.dcm", "['deeper', 'result.csv']"]
    jobs = ran(shell("clara list jobs"))
    assert jobs[1].startswith("ann ")


def test_a_pattern_that_the_shell_leaves_alone(shell: Shell, classifier: Path, world: Path) -> None:
    """`*` finds no local file, so clara gets it."""
    script = """set -e
    P=$(clara create pipelines -p $DEFINITION | awk '{print $2}')
    clara create job -n x -p $P -f $DEFINITION --start > made
    JOB=$(head -1 made | cut -d' ' -f2)
    clara download $JOB:/operators/classification/* result
    ls result result/deeper"""
    lines = ran(shell(script, DEFINITION=str(classifier)))
    assert lines[:2] == ["Downloading...", "Downloaded 2 files."]
    assert lines[2:] == ["result:", "deeper", "result.csv", "", "result/deeper:", "more.txt"]


def test_called_by_path_and_through_sudo(shell: Shell, world: Path) -> None:
    """S12. sudo is another program; it hands its words on, as here."""
    path = stand_in(world, "sudo", 'exec "$@"')
    folder = Path(installed_command()).parent
    lines = ran(shell(f"{path}{folder}/clara list pipelines; sudo clara list jobs -q; {folder}/clara-platform stop -y"))
    assert lines == ["NAME   ID"]


def test_the_platforms_health(shell: Shell, world: Path) -> None:
    """S12 asks Kubernetes, which knows nothing of this clara: whoever needs the check puts such a kubectl on PATH."""
    path = stand_in(world, "kubectl", "echo 'clara-platform-0   1/1   Running   0   1d'")
    assert len(ran(shell(path + 'kubectl get pods | grep "clara-platform" | grep Running'))) == 1
    # What to ask instead.
    assert shell("clara doctor -q").returncode == 0


def test_the_installers_calls(shell: Shell, world: Path) -> None:
    """S14: no terminal, every step must end with 0, `~/.clara` is looked for afterwards."""
    script = """set -e
    which clara
    clara config -y --key K --orgteam 'O/T' --verbose
    test -d ~/.clara
    for component in platform dicom render monitor console; do clara pull -y $component; done
    for component in dicom render monitor; do clara $component start; done
    clara console start --port 0 > started
    clara platform start --port 0 > started
    grep "NAME: clara" started
    for component in dicom render monitor console platform; do clara $component stop -y; done
    ls -d ~/.clara/config.yaml"""
    lines = ran(shell(f"{{ {script}\n}} < /dev/null"))
    assert lines == [
        installed_command(),
        'Configuration "ngc-clara"successfully created',
        "NAME: clara",
        "Clara Console stopped.",
        "Clara Platform stopped.",
        f"{world}/home/.clara/config.yaml",
    ]


def test_the_last_operators_name(shell: Shell, classifier: Path) -> None:
    """S12's front end: users copied it from `describe pipeline`."""
    script = f"""ID=$(clara create pipelines -p {classifier} | awk '{{print $2}}')
    clara describe pipeline -p $ID | tail -1 | awk '{{print $1}}'"""
    assert ran(shell(script)) == ["classification"]


def test_the_load_generator(shell: Shell, classifier: Path, world: Path) -> None:
    """S8: cpload is a program of its own that calls `clara create job` and `clara start job` many times."""
    path = stand_in(
        world,
        "cpload",
        """[ "$1" = generate ] || exit 2; shift
        while getopts "rst:p:n:w:" flag; do
            case $flag in n) count=$OPTARG;; p) priority=$OPTARG;; s) start=1;; esac
        done
        shift $((OPTIND - 1)); name=$1 pipeline=$2; [ "$3" = -- ] && data=$4
        for n in $(seq $count); do
            clara create job -n cpload-$name-$n -p $pipeline -f "$data" -i ${priority:-normal} > out || exit 1
            if [ "$start" ]; then clara start job -j $(head -1 out | cut -d' ' -f2) > /dev/null || exit 1; fi
        done""",
    )
    script = f"""set -e
    {path}
    ID=$(clara create pipelines -p {classifier} | awk '{{print $2}}')
    cpload generate -p high -n 3 -s load $ID -- {classifier} --stats
    clara wait jobs $(clara list jobs -q) | awk '{{print $2}}' | sort | uniq -c
    clara list jobs | awk 'NR > 1 {{print $1, $6}}' | sort"""
    lines = ran(shell(script, cwd=world))
    assert lines[0].split() == ["3", "JOB_STATUS_HEALTHY"]
    assert lines[1:] == [f"cpload-load-{n} JOB_PRIORITY_HIGHER" for n in (1, 2, 3)]


def test_failures_are_non_zero_for_every_call_that_scripts_check(shell: Shell) -> None:
    """S12 raises on any status but 0."""
    for call in ("create job -n x -p 00", "start job -j 00", "describe job -j 00", "download 00:/operators/x/* y"):
        done = shell(f"clara {call}")
        assert done.returncode != 0 and done.stderr.startswith("Error: "), call
