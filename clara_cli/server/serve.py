"""The server itself: services on their ports, until it is asked to end."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, ConfigError, RuntimeFailure
from clara_cli.jobs.recovery import recover
from clara_cli.jobs.runners import Runners
from clara_cli.payloads.staging import sweep_payloads
from clara_cli.platform_limits import PlatformLimits
from clara_cli.root import Root
from clara_cli.server.clara import Clara
from clara_cli.server.commands import Commands
from clara_cli.server.jobs import Jobs
from clara_cli.server.models import UNPACKED, Models
from clara_cli.server.options import Options
from clara_cli.server.payloads import Payloads
from clara_cli.server.pipelines import Pipelines
from clara_cli.server.platform import Platform
from clara_cli.server.rpc import service_handler
from clara_cli.server.token import TokenCheck, read_token
from clara_cli.server.wire import clara_pb2, commands_pb2, jobs_pb2, models_pb2, payloads_pb2, pipelines_pb2
from clara_cli.server.workers import Workers

log = logging.getLogger("clara.platform")

_QUICK, _SLOW = 8, 32
# Seconds that calls have to end by themselves when the server stops.
GRACE = 5.0
# Seconds that the answer to a Stop call has to get out.
_ANSWER = 0.1
# Seconds between looks for jobs whose runner died, and for what dead uploads left.
_LOOK, _SWEEP = 2.0, 600.0
_MINUTE = 60_000


async def serve(
    root: Root, config: Config, config_file: str | None, options: Options, ready: Callable[[Options], None]
) -> None:
    """Serve until a signal or the Stop call asks for the end.

    Args:
        ready: told the options with the ports that are listened on.

    Raises:
        RuntimeFailure: an address cannot be listened on.
        ConfigError: a certificate or the token cannot be used.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    quick, slow = Workers(root, _QUICK, "quick"), Workers(root, _SLOW, "slow")
    runners = Runners(root, config, config_file)
    platform = Platform(root, config, config_file, quick, slow, runners)
    server = _server(config.platform, options)

    def stop() -> None:
        loop.call_later(_ANSWER, ended.set)

    await _add_services(server, platform, stop if options.trusted else None)
    listening = _listen(server, options)
    for left in root.platform.glob(f"{UNPACKED}*"):  # by a server that was killed
        shutil.rmtree(left, ignore_errors=True)
    await quick.call(recover)
    await server.start()
    housekeeping = asyncio.create_task(_keep_house(platform))
    log.info("listening on %s", ", ".join(listening.addresses()))
    ready(listening)
    await ended.wait()
    log.info("stopping")
    housekeeping.cancel()
    await server.stop(GRACE)
    for workers in (quick, slow):
        workers.close()
    runners.close()


def _server(limits: PlatformLimits, options: Options) -> grpc.aio.Server:
    return grpc.aio.server(
        interceptors=[TokenCheck(read_token(options.token_file))] if options.token_file else [],
        maximum_concurrent_rpcs=limits.calls,
        options=[
            ("grpc.so_reuseport", 0),
            # How far a client may send ahead; left to itself gRPC holds some 50 MiB of an upload.
            ("grpc.http2.bdp_probe", 0),
            ("grpc.http2.lookahead_bytes", 2 << 20),
            ("grpc.max_receive_message_length", limits.message),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_concurrent_streams", limits.streams),
            # Peers that vanished without a word are found by asking.
            ("grpc.keepalive_time_ms", _MINUTE),
            ("grpc.keepalive_timeout_ms", _MINUTE // 3),
            ("grpc.http2.min_ping_interval_without_data_ms", _MINUTE // 6),
            ("grpc.max_connection_idle_ms", 30 * _MINUTE),
        ],
    )


async def _add_services(server: grpc.aio.Server, platform: Platform, stop: Callable[[], None] | None) -> None:
    services: tuple[tuple[ModuleType, object], ...] = (
        (clara_pb2, Clara(platform, stop)),
        (jobs_pb2, Jobs(platform)),
        (payloads_pb2, Payloads(platform)),
        (pipelines_pb2, Pipelines(platform)),
        (models_pb2, Models(platform)),
        (commands_pb2, Commands(platform)),
    )
    names = []
    for module, service in services:
        server.add_generic_rpc_handlers((service_handler(module, service, platform.config.platform),))
        names += [described.full_name for described in module.DESCRIPTOR.services_by_name.values()]
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for name in ("", *names):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    names += [health.SERVICE_NAME, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server, descriptor_pool.Default())


def _listen(server: grpc.aio.Server, options: Options) -> Options:
    credentials = _credentials(options)
    ports = []
    for address, port in zip(options.addresses(), options.ports, strict=True):
        try:
            if credentials is None:
                got = server.add_insecure_port(address)
            else:
                got = server.add_secure_port(address, credentials)
        except RuntimeError:
            got = 0
        if not got:
            raise RuntimeFailure(
                f"cannot listen on {address}: another program may use that port, or this machine has no such address",
                hint=f"clara platform start --port {port + 1 if port < 65535 else port - 1}",
            )
        ports.append(got)
    return replace(options, ports=tuple(ports))


def _credentials(options: Options) -> grpc.ServerCredentials | None:
    if options.certificate is None or options.key is None:
        return None
    pair = (_read(options.key), _read(options.certificate))
    authority = _read(options.client_ca) if options.client_ca else None
    _check_usable(options)
    return grpc.ssl_server_credentials([pair], authority, authority is not None)


def _check_usable(options: Options) -> None:
    """Raise ConfigError for files of which gRPC would only say that it cannot listen."""
    assert options.certificate is not None and options.key is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.certificate, options.key, password="")
    except (ssl.SSLError, ValueError) as error:
        said = f"{options.certificate} and {options.key} are not a certificate and its key in PEM, without a password"
        raise ConfigError(said) from error
    if options.client_ca is not None:
        try:
            context.load_verify_locations(options.client_ca)
        except ssl.SSLError as error:
            raise ConfigError(f"{options.client_ca} holds no certificate in PEM") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


async def _keep_house(platform: Platform) -> None:
    """Find jobs without a runner, and what dead processes left among the payloads."""
    swept = -_SWEEP
    clock = asyncio.get_running_loop().time
    while True:
        try:
            for job_id in await platform.slow.call(recover):
                log.warning("job %s had lost its runner", job_id)
            if clock() - swept > _SWEEP:
                await platform.slow.call(_sweep)
                swept = clock()
        except ClaraError as error:
            log.warning("%s", error.message)
        await asyncio.sleep(_LOOK)


def _sweep(database: Database) -> None:
    sweep_payloads(database)
