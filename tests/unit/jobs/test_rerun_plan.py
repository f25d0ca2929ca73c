"""Which operators run again: properties over random graphs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clara_cli.jobs.rerun_plan import Node, dependents, graph, to_run
from clara_cli.pipelines.model import FastIOType, Input, Operator, Pipeline

Nodes = dict[str, Node]


@st.composite
def graphs(draw: st.DrawFn) -> Nodes:
    """Operators in some order of declaration, each reading folders and variables of some that come before."""
    count = draw(st.integers(1, 10))
    nodes = {}
    for place in range(count):
        before = [f"o{number}" for number in range(place)]
        chosen = st.frozensets(st.sampled_from(before), max_size=3) if before else st.just(frozenset())
        nodes[f"o{place}"] = Node(f"o{place}", draw(chosen), draw(chosen))
    return {name: nodes[name] for name in draw(st.permutations(list(nodes)))}


@st.composite
def ended(draw: st.DrawFn) -> tuple[Nodes, set[str]]:
    """A graph and the operators that completed: whoever completed had all its sources completed."""
    nodes = draw(graphs())
    failed = draw(st.sets(st.sampled_from(list(nodes))))
    return nodes, set(nodes) - failed - dependents(nodes, failed)


def holds(nodes: Nodes, completed: set[str], running: set[str], changed: set[str]) -> bool:
    """What must be true of the operators that run."""
    every = all(name in running for name in nodes if name not in completed)
    fed = all(source in running for name in running for source in nodes[name].variables)
    return every and fed and changed | dependents(nodes, changed) <= running


@given(ended())
def test_a_resumed_job_runs_what_it_must_and_no_more(case: tuple[Nodes, set[str]]) -> None:
    nodes, completed = case
    running = to_run(nodes, completed)
    assert holds(nodes, completed, running, set())
    for name in running:
        assert not _subset(nodes, completed, running, name), f"{name} need not run"
    for name in running:
        assert nodes[name].streams <= running | completed, "each folder is there or will be written"


def _subset(nodes: Nodes, completed: set[str], running: set[str], name: str) -> bool:
    """Whether the conditions hold without this operator, and those that are there for its sake alone."""
    if name not in completed:
        return False
    readers = {other for other in running if name in nodes[other].variables}
    return not readers


@given(ended(), st.data())
def test_from_an_operator_on_everything_that_depends_on_it_runs(
    case: tuple[Nodes, set[str]], data: st.DataObject
) -> None:
    nodes, completed = case
    start = data.draw(st.sampled_from(list(nodes)))
    running = to_run(nodes, completed, {start})
    assert start in running
    assert holds(nodes, completed, running, {start})
    assert to_run(nodes, completed) <= running
    wanted = {start} | dependents(nodes, {start}) | (set(nodes) - completed)
    extra = running - wanted
    for name in extra:
        assert any(name in nodes[reader].variables for reader in running), f"{name} need not run"


@given(ended())
def test_the_order_of_declaration_does_not_matter(case: tuple[Nodes, set[str]]) -> None:
    nodes, completed = case
    backwards = dict(reversed(nodes.items()))
    assert to_run(nodes, completed) == to_run(backwards, completed)


def test_a_chain_of_variables_runs_as_a_whole() -> None:
    nodes = {
        "a": Node("a"),
        "b": Node("b", variables=frozenset({"a"})),
        "c": Node("c", variables=frozenset({"b"})),
        "side": Node("side", streams=frozenset({"b"})),
    }
    assert to_run(nodes, {"a", "b", "side"}) == {"a", "b", "c"}
    assert to_run(nodes, {"a", "b", "c"}) == {"side"}
    assert to_run(nodes, set(nodes)) == set()
    assert to_run(nodes, set(nodes), {"c"}) == {"a", "b", "c"}


def test_the_graph_of_a_pipeline() -> None:
    kind = FastIOType("uint8", (1,))
    operators = (
        Operator("a", "a"),
        Operator("b", "b", inputs=(Input(path="/in"), Input("a", "x", fastio=kind), Input("a", "y", path="/y"))),
    )
    nodes = graph(Pipeline("p", "0.5.0", "Clara", operators))
    assert nodes == {"a": Node("a"), "b": Node("b", frozenset({"a"}), frozenset({"a"}))}
