"""Any `clara-WORD` on PATH is run for `clara WORD …`; commands of clara itself cannot be replaced."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Clara, installed_command

Shell = Callable[..., subprocess.CompletedProcess[str]]
BINARIES = ("clara-platform", "clara-dicom", "clara-console", "clara-render", "clara-monitor", "clara-pull")


@pytest.fixture
def plugin(world: Path) -> Callable[..., str]:
    """Puts a program on a PATH of its own; gives the PATH for `shell`."""
    folder = world / "plugins"
    folder.mkdir()

    def make(name: str, text: str, mode: int = 0o755) -> str:
        (folder / name).write_text(text)
        (folder / name).chmod(mode)
        return f"export PATH=$PATH:{folder}; "

    return make


def test_a_plugin_gets_arguments_environment_and_streams(shell: Shell, plugin: Callable[..., str]) -> None:
    path = plugin("clara-hello", '#!/bin/sh\nprintf "<%s>" "$@"; echo "$MINE $0"; cat; echo told >&2; exit 7\n')
    done = shell(f"{path} echo input | MINE=kept clara hello --help -x '' -- 'a b' --config")
    assert done.stdout.startswith("<--help><-x><><--><a b><--config>kept ") and done.stdout.endswith("input\n")
    assert "/plugins/clara-hello" in done.stdout
    assert (done.returncode, done.stderr) == (7, "told\n")
    assert shell(f"{path} clara --verbose hello x").stdout.startswith("<x>")


def test_a_plugin_is_the_process_that_was_started(shell: Shell, plugin: Callable[..., str]) -> None:
    path = plugin("clara-pid", '#!/bin/sh\n[ $$ = "$PPIDOF" ] && echo same\nkill -TERM $$\n')
    done = shell(f"{path} sh -c 'PPIDOF=$$ exec clara pid'")
    assert done.stdout == "same\n" and done.returncode in (-15, 143)


def test_a_plugin_whose_reader_is_gone_ends_as_any_program(shell: Shell, plugin: Callable[..., str]) -> None:
    path = plugin("clara-many", "#!/bin/sh\nwhile echo line; do :; done\necho 'not ended by the signal' >&2\n")
    done = shell(f"{path} clara many | head -1; echo ${{PIPESTATUS[0]}}")
    assert done.stdout == "line\n141\n" and done.stderr == ""


@pytest.mark.parametrize("name", ["clara-version", "clara-version-foo", "clara-platform", "clara-list"])
def test_commands_cannot_be_replaced(shell: Shell, plugin: Callable[..., str], name: str) -> None:
    plugin(name, "#!/bin/sh\necho replaced\n")
    done = shell(f'PATH="{Path(installed_command()).parent.parent}/none:$PWD/plugins:$PATH"; clara {name[6:]} stop')
    assert "replaced" not in done.stdout
    if name == "clara-version-foo":
        assert done.stderr.startswith('Error: unknown command "version-foo" for "clara"')
    assert (
        f"\n  {name[6:]} "
        not in shell(f"PATH=$PWD/plugins:$PATH; {installed_command()} --help | sed 1,/Plugins:/d").stdout
    )


def test_help_lists_plugins_and_only_runnable_ones(shell: Shell, plugin: Callable[..., str], world: Path) -> None:
    plugin("clara-seen", "#!/bin/sh\n")
    plugin("clara-unseen", "#!/bin/sh\n", 0o644)
    plugin("clara-bad name", "#!/bin/sh\n")
    (world / "plugins" / "clara-folder").mkdir()
    path = plugin("other", "")
    text = shell(f"{path} clara --help").stdout
    assert f"\nPlugins:\n  seen   {world}/plugins/clara-seen\n" in text
    assert "unseen" not in text and "folder" not in text.partition("Plugins:")[2].partition("Flags")[0]
    assert "Plugins:" not in shell("clara create --help").stdout
    assert shell(f"{path} clara unseen").returncode == 2


@pytest.mark.parametrize(
    ("text", "told"), [("echo no first line\n", "#!/bin/sh"), ("#!/no/such/shell\n", "cannot run")]
)
def test_a_plugin_that_cannot_be_run(shell: Shell, plugin: Callable[..., str], text: str, told: str) -> None:
    done = shell(plugin("clara-broken", text) + "clara broken")
    assert done.returncode == 1 and done.stderr.startswith("Error: cannot run the plugin") and told in done.stderr


def test_a_plugin_that_is_clara_itself_ends(shell: Shell, world: Path) -> None:
    (world / "plugins").mkdir()
    (world / "plugins" / "clara-again").symlink_to(installed_command())
    done = shell("export PATH=$PATH:$PWD/plugins; clara again again version")
    assert done.stdout.startswith("Clara CLI version: ")


@pytest.mark.parametrize(
    "call",
    [
        "clara dicom start",
        "clara dicom stop -y",
        "clara dicom start -f custom.yaml",
        "clara-dicom restart",
        "clara render start",
        "clara monitor start",
        "clara results start -f x",
        "clara-render stop --yes",
        "clara-monitor stop -y",
        "clara dicom create aetitle -a COVIDAET pipeline-covid=0123",
        "clara dicom create src -a MYPACS -i 10.20.30.1",
        "clara dicom create -a MYPACS -i 10.20.30.1",
        "clara dicom create dest -n MYPACS -a MYPACSAET -i 10.20.30.2 -p 1104",
        "clara pull platform",
        "clara pull -y dicom",
        "clara pull clara-renderer -y",
        "clara pull --version 0.8.1 dicomadapter",
        "clara-pull monitor -y",
        "clara pull -v 0.7.1 console",
    ],
)
def test_unattended_service_calls_end_well_with_one_sentence(shell: Shell, call: str) -> None:
    done = shell(f"{call} < /dev/null")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith("Notice: nothing was ") and done.stderr.endswith(".\n")
    assert done.stderr.count("\n") == 1


def test_service_binaries_are_installed_and_lead_to_the_same_commands(shell: Shell) -> None:
    folder = Path(installed_command()).parent
    for name in BINARIES:
        assert (folder / name).exists()
        own, through = shell(f"{name} --help"), shell(f"clara {name[6:]} --help")
        assert own.stdout == through.stdout and f"clara {name[6:]}" in own.stdout
    assert shell("clara platform version").stdout.strip() in shell("clara version").stdout


def test_a_pull_makes_the_folder_that_scripts_look_for(shell: Shell, world: Path) -> None:
    shell("clara pull -y platform")
    assert (world / "home" / ".clara").is_dir()


def test_pipelines_are_not_pulled_but_found(clara: Clara, shell: Shell, world: Path) -> None:
    done = shell("clara pull pipeline clara_ai_covid19_pipeline", cwd=world)
    assert done.returncode == 1 and "clara create pipelines -p" in done.stderr and done.stdout == ""
    (world / "clara_ai_covid19_pipeline").mkdir()
    done = shell("clara pull -y pipeline clara_ai_covid19_pipeline", cwd=world)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "Pipeline Name: clara_ai_covid19_pipeline"
    assert 'did you mean "dicom"?' in clara("pull", "dikom", code=2).err
    assert "expected what to pull" in clara("pull", code=2).err
