"""`clara config`: the configuration file, and the credentials of NGC as installers store them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options, notice, settings, warn
from clara_cli.commands.showing import output_option, quiet_option, show_list
from clara_cli.config import config_path, load_config, make_config, parse_config
from clara_cli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from clara_cli.config_keys import Setting


@click.group(cls=ClaraGroup, name="config", invoke_without_command=True)
@click.option("--key", metavar="KEY", help="Store this NGC API key; - reads it from stdin.")
@click.option("--orgteam", metavar="ORG/TEAM", default="nvidia/clara", show_default=True, help="Organisation and team.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@global_options
@click.pass_context
def command(context: click.Context, key: str | None, orgteam: str, yes: bool) -> None:
    """Show and change the configuration file, ~/.clara/config.yaml.

    With --key the credentials of NGC are stored there, for installers that do so; they are never shown, and nothing
    uses them: NGC holds no images that clara needs.
    """
    if context.invoked_subcommand is not None:
        if key is not None:
            raise UsageError(f"--key stores a key and takes no command: leave {context.invoked_subcommand} out")
        return
    if key is None:
        raise click.UsageError('required flag(s) "key" not set', context)
    from clara_cli.config_file import change

    key = sys.stdin.readline().strip() if key == "-" else key.strip()
    if not key or not key.isprintable():
        raise UsageError("the NGC key is empty or no text")
    if not orgteam.strip() or not orgteam.isprintable():
        raise UsageError("--orgteam is empty or no text: expected ORG/TEAM")
    path = _path()
    stored = parse_config(_text(path), path).get("ngc")
    other = isinstance(stored, dict) and stored.get("key") not in (None, key)
    if other and not yes and sys.stdin.isatty():
        click.confirm("Replace the NGC key that is stored?", abort=True, err=True)
    _tell_comments(change(path, ("ngc",), {"key": key, "orgteam": orgteam.strip()}), path)
    # The missing blank is the original's, and scripts may look for the line.
    click.echo('Configuration "ngc-clara"successfully created')


@command.command("list", cls=ClaraCommand)
@quiet_option
@output_option
@global_options
def list_(quiet: bool, output: str) -> None:
    """Show every key, its value in force, and where that comes from."""
    from clara_cli.config_keys import settings_in_force, unknown_keys
    from clara_cli.output import table

    path, values = _checked()
    for told in unknown_keys(values):
        warn(f"{path}: key not known: {told}")
    found = list(settings_in_force(values, path, os.environ))
    show_list(
        output,
        quiet,
        lambda: [setting.key.name for setting in found],
        lambda: [_record(setting) for setting in found],
        lambda: table(
            ["KEY", "VALUE", "FROM", "MEANING"],
            [(item.key.name, _line(item), item.origin, item.key.meaning) for item in found],
        ),
    )


@command.command("get", cls=ClaraCommand, positionals="KEY")
@global_options
@click.pass_context
def get(context: click.Context) -> None:
    """Show the value of one key in force; of a list one entry a line. Exit status 1 if it is not set."""
    from clara_cli.config_keys import find_key, settings_in_force

    key, keys = find_key(_words(context, "get", "KEY")[0])
    path, values = _checked()
    setting = next(item for item in settings_in_force(values, path, os.environ) if item.key is key)
    value = setting.value if len(keys) == 1 else (setting.value or {}).get(keys[1])
    if value is None:
        default = f"; the default is {key.default}" if key.default else ""
        raise ConfigError(f"{'.'.join(keys)} is not set{default}")
    click.echo("\n".join(_entries(value)))


@command.command("set", cls=ClaraCommand, positionals="KEY VALUE...")
@global_options
@click.pass_context
def set_(context: click.Context) -> None:
    """Set a key of the file. Its value is checked first, and the comments of the file are kept.

    Names inside a mapping are set as services.NAME; operator_path takes several folders.
    """
    from clara_cli.config_file import change
    from clara_cli.config_keys import find_key, from_words, masked

    name, *words = _words(context, "set", "KEY VALUE", 2)
    key, keys = find_key(name)
    path = _path()
    value = from_words(key, keys, words)
    _tell_comments(change(path, keys, value), path)
    if key.variable and os.environ.get(key.variable):
        warn(f"the variable {key.variable} is set, and wins over the file")
    shown = masked(key, value) if len(keys) == 1 else masked(key, {keys[1]: value})[keys[1]]
    notice(f"{path}: {name} is now {', '.join(_entries(shown))}")


@command.command("unset", cls=ClaraCommand, positionals="KEY")
@global_options
@click.pass_context
def unset(context: click.Context) -> None:
    """Remove a key from the file, so that its default counts again. One that is not set is no error."""
    from clara_cli.config_file import remove
    from clara_cli.config_keys import KEYS, find_key

    (name, *_) = _words(context, "unset", "KEY")
    path = _path()
    written = parse_config(_text(path), path)
    # What a file holds can be removed from it, whether clara knows it or not.
    keys = (name,) if name in written and name not in KEYS else find_key(name)[1]
    _tell_comments(remove(path, keys), path)
    notice(f"{path}: {name} is not set")


@command.command("edit", cls=ClaraCommand)
@global_options
def edit() -> None:
    """Open the file in $VISUAL or $EDITOR; it is replaced when what was written is right."""
    from clara_cli.config_file import ensure_folder, read_text, write_text
    from clara_cli.config_keys import KEYS

    path = _path()
    ensure_folder(path)
    aside = path.with_name(f"{path.name}.edited")
    if aside.exists():
        notice(f"Notice: this is the text that was refused before ({aside})")
        before = None
    else:
        before = read_text(path) or "".join(f"# {key.name}: {key.meaning}\n" for key in KEYS.values())
        _write_private(aside, before)
    click.edit(filename=str(aside))
    text = read_text(aside)
    if text == before:
        aside.unlink()
        notice("Notice: nothing was changed")
        return
    try:
        make_config(parse_config(text, path), path, {})
    except ConfigError as error:
        raise ConfigError(error.message, f"nothing was changed; clara config edit goes on with {aside}") from error
    write_text(path, text)
    aside.unlink()
    notice(f"{path}: replaced")


def _write_private(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def _words(context: click.Context, verb: str, expected: str, count: int = 1) -> list[str]:
    if len(context.args) < count:
        raise UsageError(f"expected clara config {verb} {expected}")
    return list(context.args)


def _path() -> Path:
    return config_path(settings().config_file)


def _text(path: Path) -> str:
    from clara_cli.config_file import read_text

    return read_text(path)


def _checked() -> tuple[Path, dict[str, Any]]:
    """The file's values, checked with the variables as any command would."""
    load_config(settings().config_file)
    path = _path()
    return path, parse_config(_text(path), path)


def _record(setting: Setting) -> dict[str, Any]:
    key = setting.key
    return {
        "key": key.name,
        "value": setting.value,
        "from": setting.origin,
        "default": key.default or None,
        "meaning": key.meaning,
    }


def _line(setting: Setting) -> str | None:
    if setting.value is None:
        return f"({setting.key.default})" if setting.key.default else None
    return ", ".join(_entries(setting.value))


def _entries(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}: {item}" for name, item in value.items()]
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _tell_comments(kept: bool, path: Path) -> None:
    if not kept:
        warn(f"{path} was written anew: its comments could not be kept")
