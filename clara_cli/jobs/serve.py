"""The servers and models of a job: started here, or known from the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from clara_cli.addresses import parse_address
from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, ConfigError, ImageError, NotFound
from clara_cli.models.store import registered_folders
from clara_cli.pipelines.model import Pipeline
from clara_cli.runtime.models import Models
from clara_cli.runtime.service_plan import Find, Servers, plan_servers
from clara_cli.runtime.triton import is_triton


def serve(
    database: Database, config: Config, pipeline: Pipeline, find: Find, addresses: Mapping[str, str]
) -> tuple[Models, Servers]:
    """The models of this machine, and what a job's operators are served by; its errors are those of the models too.

    Args:
        find: the local program of an image, tag and command.
        addresses: connection name → address of a server that runs already; counts more than the configuration's.

    Raises:
        ConfigError: a given address is none.
    """
    with database.read() as connection:
        registered = registered_folders(database.root, connection)
    models = Models(database.root.common, config.models, registered)
    servers = plan_servers(pipeline, find, {**config.services, **_checked(addresses)}, config.triton)
    servers.errors += _missing_models(pipeline, servers, models)
    return models, servers


def _checked(addresses: Mapping[str, str]) -> dict[str, str]:
    try:
        return {name: parse_address(address) for name, address in addresses.items()}
    except ValueError as error:
        raise ConfigError(f"address of a service: {error}") from error


def _missing_models(pipeline: Pipeline, servers: Servers, models: Models) -> list[ClaraError]:
    """A Triton server that is started here can hold only the models of this machine."""
    if not any(is_triton(item.service) for item in servers.services):
        return []
    known = set(models.all())
    missing: list[ClaraError] = []
    for operator in pipeline.operators:
        for name in operator.models:
            if name not in known:
                try:
                    models.find(name)
                except NotFound as error:
                    missing.append(ImageError(f"operator {operator.name}: {error.message}", error.hint))
    return missing
