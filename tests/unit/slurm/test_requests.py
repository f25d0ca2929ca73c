"""What a job asks of a node: the most that can run side by side, against trying all sets."""

from __future__ import annotations

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st
from support import pipeline_of

from clara_cli.pipelines.model import Input, Operator, Requests, Service
from clara_cli.slurm.requests import RUNNER, Ask, ask_of, descendants, heaviest


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, frozenset[str]]]:
    count = draw(st.integers(1, 8))
    names = [f"o{number}" for number in range(count)]
    weights = {name: draw(st.integers(0, 9)) for name in names}
    sources = {
        name: frozenset(draw(st.sets(st.sampled_from(names[:at])))) if at else frozenset[str]()
        for at, name in enumerate(names)
    }
    return weights, sources


@given(graphs())
def test_the_heaviest_set_side_by_side(graph: tuple[dict[str, int], dict[str, frozenset[str]]]) -> None:
    weights, sources = graph
    after = descendants(sources)
    names = list(weights)
    sets = chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))
    apart = [chosen for chosen in sets if not any(two in after[one] for one in chosen for two in chosen)]
    assert heaviest(weights, after) == max(sum(weights[name] for name in chosen) for chosen in apart)


def operator(name: str, requests: Requests, *sources: str, services: tuple[Service, ...] = ()) -> Operator:
    inputs = tuple(Input(source=source, path="/in") for source in sources)
    return Operator(name, name, inputs=inputs, requests=requests, services=services)


def test_a_fan_and_its_bounds() -> None:
    fan = [operator(f"f{number}", Requests(2, 1, 100), "a") for number in range(5)]
    last = operator("z", Requests(4, 0, 3000), *(item.name for item in fan))
    pipeline = pipeline_of(operator("a", Requests()), *fan, last)
    assert ask_of(pipeline) == Ask(10, 3000 + RUNNER, 5)
    assert ask_of(pipeline, cpus=6) == Ask(6, 3000 + RUNNER, 5)
    # One operator's own request is never cut.
    assert ask_of(pipeline, cpus=1, memory=200) == Ask(4, 3000 + RUNNER, 5)


def test_services_count_once_and_nothing_said_is_nothing_asked() -> None:
    assert ask_of(pipeline_of(operator("a", Requests()), operator("b", Requests()))) == Ask(2, None, 0)
    service = Service("triton", "trtis", requests=Requests(2, 1, 500))
    pair = [operator(name, Requests(1), services=(service,)) for name in "ab"]
    assert ask_of(pipeline_of(*pair)) == Ask(4, 500 + RUNNER, 1)


def test_a_long_chain_and_a_wide_fan_take_no_time() -> None:
    chain_of = [operator(f"c{number}", Requests(3), *([f"c{number - 1}"] if number else [])) for number in range(100)]
    assert ask_of(pipeline_of(*chain_of)).cpus == 3
    fan = [operator(f"f{number}", Requests(1), "c99") for number in range(100)]
    assert ask_of(pipeline_of(*chain_of, *fan)).cpus == 100
