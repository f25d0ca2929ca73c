"""Clara's own service, `clara_cli.v1.Commands`: what the command line needs beyond the published API.

Each method asks the same `LocalSite` that the command line uses on this machine.
"""

from clara_cli.server.commands.images import ImageCommands
from clara_cli.server.commands.jobs import JobCommands
from clara_cli.server.commands.logs import LogCommands
from clara_cli.server.commands.models import ModelCommands
from clara_cli.server.commands.payloads import PayloadCommands
from clara_cli.server.commands.pipelines import PipelineCommands
from clara_cli.server.commands.starts import StartCommands


class Commands(
    PipelineCommands, JobCommands, StartCommands, LogCommands, PayloadCommands, ModelCommands, ImageCommands
):
    """The service."""
