"""Pairs of plain processes that hand an array over: what the hand-over of a job is compared with.

Both processes have loaded numpy, and the consumer waits, before the producer begins.
"""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Marks = dict[str, float]
READY = "ready"


def _now() -> float:
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def through_file(size: int, folder: Path) -> Marks:
    """An `.npy` file: saved by a process, loaded by the next one when that process has ended well."""
    path = folder / f"{uuid.uuid4()}.npy"
    try:
        return _run(_save, _load, size, str(path), ended=True)
    finally:
        path.unlink(missing_ok=True)


def through_shared_memory(size: int, *, ended: bool) -> Marks:
    """`multiprocessing.shared_memory`: the consumer goes on when the producer has ended well, or when it is filled."""
    name = f"benchmark-{uuid.uuid4()}"
    try:
        return _run(_share, _attach, size, name, ended=ended)
    finally:
        # The tracker of the parent, which both children use, knows it by the same name.
        with contextlib.suppress(FileNotFoundError):
            left = SharedMemory(name)
            left.close()
            left.unlink()


Role = Callable[[int, str, Connection, Connection], None]


def _run(producer: Role, consumer: Role, size: int, where: str, *, ended: bool) -> Marks:
    """Start both; with `ended` it is this process that tells the consumer, once the producer has ended with 0."""
    context = multiprocessing.get_context("spawn")
    told, teller = context.Pipe(duplex=False)
    answers, answer = context.Pipe(duplex=False)
    unheard, unsaid = context.Pipe(duplex=False)
    started = []
    marks: Marks = {}
    try:
        started.append(context.Process(target=consumer, args=(size, where, told, answer)))
        started[0].start()
        assert answers.recv() == READY
        started.append(context.Process(target=producer, args=(size, where, unsaid if ended else teller, answer)))
        started[1].start()
        marks.update(answers.recv())
        if ended:
            started[1].join()
            assert started[1].exitcode == 0
            teller.send(READY)
        marks.update(answers.recv())
    finally:
        for process in started:
            process.join()
        for connection in (told, teller, answers, answer, unheard, unsaid):
            connection.close()
    return marks


def _filled(array: NDArray[np.uint8], begun: float) -> Marks:
    allocated = _now()
    array[:] = np.uint8(1)
    return {"begun": begun, "allocated": allocated, "filled": _now()}


def _read(array: NDArray[np.uint8]) -> Marks:
    view = _now()
    pages = array[:: mmap.PAGESIZE]
    assert int(pages.sum(dtype=np.int64)) == len(pages)
    return {"view": view, "read": _now()}


def _save(size: int, where: str, teller: Connection, answer: Connection) -> None:
    begun = _now()
    array = np.empty(size, np.uint8)
    marks = _filled(array, begun)
    np.save(where, array)
    del array
    teller.send(READY)
    answer.send({**marks, "ending": _now()})


def _load(size: int, where: str, told: Connection, answer: Connection) -> None:
    answer.send(READY)
    told.recv()
    answer.send(_read(np.load(where)))


def _share(size: int, where: str, teller: Connection, answer: Connection) -> None:
    begun = _now()
    memory = SharedMemory(where, create=True, size=size)
    array = np.ndarray(size, np.uint8, memory.buf)
    marks = _filled(array, begun)
    teller.send(READY)
    answer.send({**marks, "ending": _now()})
    del array
    memory.close()


def _attach(size: int, where: str, told: Connection, answer: Connection) -> None:
    answer.send(READY)
    told.recv()
    memory = SharedMemory(where)
    array = np.ndarray(size, np.uint8, memory.buf)
    answer.send(_read(array))
    del array
    memory.close()
