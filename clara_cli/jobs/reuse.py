"""Operators that need not run because an earlier job of this root ran them on the same input (`--reuse`).

An earlier operator counts when its recipe is the same, its job ended well, the folders it read hold what the new ones
hold, and nothing in them or in what it wrote was changed since. FastIO variables are memory, so an operator that reads
some counts only when their producers are reused of the same job, and who writes some that are needed runs.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from clara_cli.database import Database
from clara_cli.jobs import store
from clara_cli.jobs.actions import JobView
from clara_cli.jobs.model import OperatorRecord
from clara_cli.jobs.recipes import recipes as recipes_of
from clara_cli.payloads.digest import Digester
from clara_cli.payloads.tree import PayloadTree, payload_tree
from clara_cli.pipelines.model import Operator, Pipeline
from clara_cli.root import Root
from clara_cli.runtime.plan import JobPlan

if TYPE_CHECKING:
    from clara_cli.jobs.rerun_plan import Node
    from clara_cli.payloads.share import Shared

# Earlier runs of one recipe that are looked at, and how much later than its end an operator's file may be (seconds):
# the clock of a file system ticks more coarsely.
_LOOKED_AT = 10
_TICK = 0.05


class Earlier(NamedTuple):
    """An operator of an earlier job."""

    job_id: str
    tree: PayloadTree
    record: OperatorRecord


class Search:
    """Looks for earlier operators of a job that is about to start."""

    def __init__(self, database: Database, view: JobView, pipeline: Pipeline, digester: Digester) -> None:
        self._database = database
        self._view = view
        # Only --reuse needs it.
        from clara_cli.jobs.rerun_plan import graph

        self._pipeline = pipeline
        self._digester = digester
        self._nodes = graph(pipeline)
        self._found: dict[str, Earlier] = {}

    def find(self, recipes: Mapping[str, str]) -> dict[str, Earlier]:
        """What can be reused, by operator, in the order of the definition.

        Args:
            recipes: of the operators that are to run.
        """
        from graphlib import TopologicalSorter

        from clara_cli.jobs.rerun_plan import to_run

        order = TopologicalSorter({name: node.sources & self._nodes.keys() for name, node in self._nodes.items()})
        for name in order.static_order():
            earlier = self._earlier(self._nodes[name], recipes[name]) if name in recipes else None
            if earlier is not None:
                self._found[name] = earlier
        running = to_run(self._nodes, self._found.keys())
        return {name: self._found[name] for name in self._nodes if name not in running}

    def _earlier(self, node: Node, recipe: str) -> Earlier | None:
        if not node.sources & self._nodes.keys() <= self._found.keys():
            return None
        operator = self._pipeline.operator(node.name)
        with self._database.read() as connection:
            candidates = _with_recipe(connection, self._database.root, node.name, recipe)
        return next((item for item in candidates if self._fits(operator, node, item)), None)

    def _fits(self, operator: Operator, node: Node, item: Earlier) -> bool:
        began, ended = item.record.started, item.record.stopped
        if began is None or ended is None:
            return False
        if any(name not in self._found or self._found[name].job_id != item.job_id for name in node.variables):
            return False
        for output in operator.outputs:
            if output.path:
                left = self._digester.folder(item.tree.output_folder(operator.name, output))
                if left is None or left.newest > ended + _TICK:
                    return False
        for read in operator.inputs:
            if read.path:
                source = self._found.get(read.source or "")
                now = (source.tree if source else self._view.tree).input_folder(read)
                then = item.tree.input_folder(read)
                before = self._digester.folder(then)
                if before is None or before.newest > began + _TICK:
                    return False
                after = before if now == then else self._digester.folder(now)
                if after is None or after.digest != before.digest:
                    return False
        return True


def look_back(
    database: Database, view: JobView, plan: JobPlan, reuse: bool
) -> tuple[dict[str, str], dict[str, Earlier]]:
    """The recipes of a job's operators, which later jobs will ask for, and what it can reuse itself if it is to."""
    digester = Digester(database)
    recipes = recipes_of(plan, digester)
    found = Search(database, view, plan.pipeline, digester).find(recipes) if reuse else {}
    digester.keep()
    return recipes, found


def confirm(database: Database, plan: JobPlan) -> None:
    """After a job: forget the recipes of programs that changed since its start, for nobody knows which files ran."""
    digester = Digester(database)
    with database.read() as connection:
        (submitted,) = connection.execute("SELECT submitted FROM jobs WHERE id = ?", (plan.job_id,)).fetchone()
        recorded = dict(connection.execute("SELECT operator, digest FROM recipes WHERE job_id = ?", (plan.job_id,)))
    sure = recipes_of(plan, digester, before=submitted)
    names = {operator.name for operator in plan.pipeline.operators}
    changed = [name for name, digest in recorded.items() if name in names and sure.get(name) != digest]
    if changed:
        with database.write() as connection:
            connection.executemany(
                "DELETE FROM recipes WHERE job_id = ? AND operator = ?", [(plan.job_id, name) for name in changed]
            )


def _with_recipe(connection: sqlite3.Connection, root: Root, name: str, recipe: str) -> list[Earlier]:
    """Operators of that recipe in jobs that ended well, the newest first."""
    rows = connection.execute(
        "SELECT jobs.id, jobs.payload_id FROM recipes JOIN jobs ON jobs.id = recipes.job_id "
        "WHERE recipes.digest = ? AND recipes.operator = ? AND jobs.state = 'STOPPED' AND jobs.status = 'HEALTHY' "
        "ORDER BY jobs.created DESC LIMIT ?",
        (recipe, name, _LOOKED_AT),
    ).fetchall()
    found = []
    for job_id, payload_id in rows:
        for record in store.get_operators(connection, job_id):
            if record.name == name:
                found.append(Earlier(job_id, payload_tree(root, payload_id), record))
    return found


def share(view: JobView, reused: Mapping[str, Earlier]) -> Shared | None:
    """Bring the folders of reused operators into a job's payload, if there are any.

    Raises:
        PayloadError: they cannot be shared; none of them is there then.
    """
    if not reused:
        return None
    from clara_cli.payloads.share import Shared, Sharing

    shared = Shared()
    try:
        for name, earlier in reused.items():
            sharing = Sharing(earlier.tree.path, view.tree.path, view.tree.path)
            sharing.folder("operators", name)
            shared.ways.update(sharing.shared.ways)
    except BaseException:
        forget(view, reused)
        raise
    return shared


def forget(view: JobView, reused: Mapping[str, Earlier]) -> None:
    """Remove what `share` brought in."""
    for name in reused:
        with suppress(OSError):
            shutil.rmtree(view.tree.operators / name)


def record(
    connection: sqlite3.Connection,
    view: JobView,
    recipes: Mapping[str, str],
    reused: Mapping[str, Earlier],
    shared: Shared | None,
) -> None:
    """Note the recipes of a job that starts, and what it reuses."""
    connection.executemany(
        "INSERT OR REPLACE INTO recipes VALUES (?, ?, ?)",
        [(view.job.id, name, digest) for name, digest in recipes.items()],
    )
    if reused:
        from clara_cli.jobs import rerun

        for earlier in reused.values():
            rerun.take_over(connection, view.job.id, earlier.record)
        told = ", ".join(f"{name} (job {earlier.job_id})" for name, earlier in reused.items())
        store.add_message(connection, view.job.id, "info", f"reused, since nothing changed: {told}; {shared}")


def without(plan: JobPlan, names: Mapping[str, Earlier]) -> JobPlan:
    """The plan of what is left to run."""
    if not names:
        return plan
    operators = tuple(item for item in plan.pipeline.operators if item.name not in names)
    return plan._replace(pipeline=plan.pipeline._replace(operators=operators))


def share_logs(root: Root, view: JobView, reused: Mapping[str, Earlier]) -> None:
    """Show the logs of reused operators with the job too."""
    if not reused:
        return
    from clara_cli.jobs import rerun

    for name, earlier in reused.items():
        rerun.share_logs(root, earlier.job_id, view.job.id, (name,))
