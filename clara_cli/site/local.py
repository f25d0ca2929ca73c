"""This machine as the place where jobs run: the core's functions on the database of a root."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from clara_cli.config import Config
    from clara_cli.database import Database
    from clara_cli.images.reference import RegisteredImage
    from clara_cli.jobs.runners import Runners
    from clara_cli.models.layout import ModelFolder
    from clara_cli.models.store import Model
    from clara_cli.payloads.upload import Meter
    from clara_cli.pipelines.checked import Known
    from clara_cli.pipelines.load import Loaded
    from clara_cli.pipelines.store import PipelineRecord
    from clara_cli.site.interface import Images, Jobs, Models, Payloads, Pipelines
    from clara_cli.site.model import DescribedImage


class LocalSite:
    """A `Site`. What is behind each part of it is loaded when it is used.

    Args:
        config_file: `--config` of this call, for runners that outlive it.
        runners: those of a process that starts many jobs.
    """

    def __init__(
        self, database: Database, config: Config, config_file: str | None, runners: Runners | None = None
    ) -> None:
        self.database = database
        self.config = config
        self.config_file = config_file
        self._runners = runners

    @cached_property
    def pipelines(self) -> Pipelines:
        return LocalPipelines(self.database)

    @cached_property
    def jobs(self) -> Jobs:
        from clara_cli.site.local_jobs import LocalJobs

        return LocalJobs(self.database, self.config, self.config_file, self._runners)

    @cached_property
    def payloads(self) -> Payloads:
        from clara_cli.site.local_payloads import LocalPayloads

        return LocalPayloads(self.database)

    @cached_property
    def models(self) -> Models:
        return LocalModels(self.database)

    @cached_property
    def images(self) -> Images:
        return LocalImages(self.database, self.config)


class LocalPipelines:
    """Pipelines of a root."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, loaded: Loaded) -> str:
        from clara_cli.pipelines.store import insert_pipeline

        with self._database.write() as connection:
            return insert_pipeline(connection, loaded)

    def stored(self, loaded: Loaded) -> str:
        from clara_cli.pipelines.store import insert_pipeline, same_pipeline

        with self._database.write() as connection:
            return same_pipeline(connection, loaded) or insert_pipeline(connection, loaded)

    def known(self, path: Path) -> Known | None:
        from clara_cli.pipelines.checked import known_pipeline

        with self._database.read() as connection:
            return known_pipeline(connection, path)

    def list(self) -> Sequence[PipelineRecord]:
        from clara_cli.pipelines.store import list_pipelines

        with self._database.read() as connection:
            return list_pipelines(connection)

    def describe(self, text: str) -> PipelineRecord:
        from clara_cli.pipelines.store import find_pipeline

        with self._database.read() as connection:
            return find_pipeline(connection, text)

    def delete(self, pipeline_ids: Sequence[str]) -> None:
        from clara_cli.pipelines.store import delete_pipeline

        with self._database.write() as connection:
            for pipeline_id in pipeline_ids:
                delete_pipeline(connection, pipeline_id)


class LocalModels:
    """Registered models of a root."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, folder: ModelFolder, meter: Meter | None) -> tuple[Model, Model | None]:
        from clara_cli.models.store import create_model

        return create_model(self._database, folder, meter)

    def list(self) -> Sequence[Model]:
        from clara_cli.models.store import list_models

        with self._database.read() as connection:
            return list_models(connection)

    def delete(self, texts: Sequence[str]) -> Sequence[Model]:
        from clara_cli.models.store import delete_models

        return delete_models(self._database, texts)


class LocalImages:
    """Registered images of a root."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database = database
        self._config = config

    def list(self) -> Sequence[RegisteredImage]:
        from clara_cli.images.store import registered_images

        with self._database.read() as connection:
            return registered_images(connection)

    def find(self, text: str) -> RegisteredImage:
        from clara_cli.images.store import find_image

        with self._database.read() as connection:
            return find_image(connection, text)

    def describe(self, text: str) -> DescribedImage:
        from clara_cli.errors import ImageError
        from clara_cli.images.environments import Environments
        from clara_cli.images.program import argv, read_program
        from clara_cli.site.model import DescribedImage

        found = self.find(text)
        program = read_program(found.folder, interpreter=found.interpreter, uses_driver=found.uses_driver)
        mode = "never" if self._config.venv == "never" else "ask"
        environments = Environments(self._database.root.environments, mode)
        try:
            python = str(environments.equip(program, str(found.reference)).interpreter)
        except ImageError:
            python = None
        return DescribedImage(found, python, str(program.workdir), tuple(argv(program, ())))

    def delete(self, texts: Sequence[str]) -> Sequence[RegisteredImage]:
        from clara_cli.images.store import delete_image, find_image

        with self._database.write() as connection:
            found = dict.fromkeys(find_image(connection, text) for text in texts)
            for image in found:
                delete_image(connection, image)
        return list(found)
