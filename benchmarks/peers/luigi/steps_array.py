"""https://luigi.readthedocs.io/en/stable/targets.html: what a task makes is a file, its target."""

import os
from pathlib import Path

import luigi
import numpy as np


class One(luigi.Task):
    def output(self):
        return luigi.LocalTarget("one.npy")

    def run(self):
        np.save(self.output().path, np.full(int(os.environ["PEERS_BYTES"]), 1, np.uint8))


class Two(luigi.Task):
    def requires(self):
        return One()

    def output(self):
        return luigi.LocalTarget("two.npy")

    def run(self):
        np.save(self.output().path, np.load(self.input().path, mmap_mode="r") + np.uint8(1))


class Three(luigi.Task):
    def requires(self):
        return Two()

    def output(self):
        return luigi.LocalTarget("right")

    def run(self):
        array = np.load(self.input().path, mmap_mode="r")
        if int(array.sum(dtype=np.int64)) != 2 * len(array):
            raise ValueError("the sum is wrong")
        Path(self.output().path).touch()
