"""https://luigi.readthedocs.io/en/stable/api/luigi.contrib.external_program.html"""

from pathlib import Path

import luigi
from luigi.contrib.external_program import ExternalProgramTask


class Step(ExternalProgramTask):
    def program_args(self):
        return ["true"]

    def run(self):
        super().run()
        Path(self.output().path).touch()

    def output(self):
        return luigi.LocalTarget(type(self).__name__)


class One(Step):
    pass


class Two(Step):
    def requires(self):
        return One()


class Three(Step):
    def requires(self):
        return Two()
