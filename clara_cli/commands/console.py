"""`clara console`."""

from __future__ import annotations

from clara_cli.commands.services import service_group

command = service_group("console")
