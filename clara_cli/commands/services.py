"""`clara dicom|render|monitor|results start|restart|stop`: the services of the original.

Installers and start scripts call them without a terminal and expect exit status 0. What a service is here, or that it
is not here, is said in one sentence on stderr; stdout stays empty, because nothing was started. A service that becomes
real gets a command module of its own instead of a row here.
"""

from __future__ import annotations

from typing import NamedTuple

import click

from clara_cli import __version__
from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options, notice


class Service(NamedTuple):
    """One service.

    Attributes:
        title: what it was called.
        here: the sentence about it, after what was asked for.
    """

    name: str
    title: str
    here: str


SERVICES = {
    service.name: service
    for service in (
        Service("dicom", "Clara Dicom Adapter", "there is no DICOM adapter in this version"),
        Service("render", "Clara Renderer", "there is no render server in this version"),
        Service("monitor", "Clara Monitor Server", "there is no monitor server; clara list jobs shows what runs"),
        Service("results", "Clara Results Service", "there is none, as in the original since 0.8; use clara download"),
    )
}


def service_group(name: str) -> click.Group:
    """The commands of one service."""
    service = SERVICES[name]

    @click.group(name, cls=ClaraGroup, help=f"Start and stop the {service.title}: {service.here}.")
    @global_options
    def group() -> None: ...

    for verb, done in (("start", "started"), ("restart", "restarted"), ("stop", "stopped")):
        _add_verb(group, service, verb, done)

    @group.command("version", cls=ClaraCommand)
    @global_options
    def _version() -> None:
        """Show the bare version, as plugins do."""
        click.echo(__version__)

    return group


def _add_verb(group: click.Group, service: Service, verb: str, done: str) -> None:
    @group.command(verb, cls=ClaraCommand, help=f"Accepted: nothing is {done}, exit status 0; {service.here}.")
    @click.option("-y", "--yes", is_flag=True, help="Accepted: nothing is asked.")
    @click.option("-f", "--file", metavar="FILE", help="Accepted: a configuration file is not read.")
    @global_options
    def _run(yes: bool, file: str | None) -> None:
        say_nothing_done(service, done)


def say_nothing_done(service: Service, done: str) -> None:
    """The one honest sentence."""
    notice(f"Notice: nothing was {done}: {service.here}.")
