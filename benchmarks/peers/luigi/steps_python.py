"""https://luigi.readthedocs.io/en/stable/tasks.html: a task is a method `run`, in Luigi's own process."""

from pathlib import Path

import luigi


class Step(luigi.Task):
    def run(self):
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
