"""Which points a search asks for: new ones, the same wherever it is asked."""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bossflow.kit.digests import canonical
from bossflow.sweeps.search import ask, refuse_missing
from bossflow.sweeps.space import Search, Space, Told
from conftest import ROOT, examples
from hypothesis import given, settings
from hypothesis import strategies as st

SIGMAS = [f"{number / 10:g}" for number in range(10, 31)]
PLANE = Space({"sigma_nm": [*SIGMAS], "threshold": [*range(0, 42, 2)]})
SMALL = Space(
    {"method": ["blobs", "spheres"], "stop": ["0.1", "0.2", "0.35"], "x_range": [[0, 9], [9, 12]]},
    [{"method": "blobs", "stop": "0.2"}],
)


def how(by: Any, goal: Any = "largest", points: int = 24, number: int = 4) -> Search:
    return Search(by, points, number, "1", "f1", goal)


def peak(values: dict[str, Any]) -> float:
    """Score points of the plane: best at 1.7 and 12."""
    return -((float(values["sigma_nm"]) - 1.7) ** 2) - (values["threshold"] / 20 - 0.6) ** 2


def swept(
    space: Space,
    search: Search,
    score: Any = peak,
    rounds: int = 6,
    changed: Any = lambda told: None,
) -> list[Told]:
    """Ask round by round; `changed` may change what is told after each."""
    told: list[Told] = []
    for _ in range(rounds):
        asked = ask(space, told, search.round, search, search.seed)
        told += [Told(values, score(values)) for values in asked]
        changed(told)
    return told


def distinct(told: list[Told]) -> int:
    return len({canonical(one.values) for one in told})


def test_a_grid_is_asked_for_in_order() -> None:
    told = swept(SMALL, how("grid"), lambda values: None, rounds=4)
    assert [one.values for one in told] == [*SMALL] and len(told) == 10
    rest = ask(SMALL, told[3:5], 3, how("grid"), "1")
    assert rest == [SMALL.point(0), SMALL.point(1), SMALL.point(2)]


@pytest.mark.parametrize("by", ["random", "tpe"])
def test_24_points_in_6_rounds_are_24_and_the_same_again(by: str) -> None:
    told = swept(PLANE, how(by))
    assert (len(told), distinct(told)) == (24, 24)
    assert swept(PLANE, how(by)) == told
    other = swept(PLANE, how(by)._replace(seed="2"))
    assert other != told


def test_a_failed_point_that_succeeds_later_is_not_asked_for_again() -> None:
    def changed(told: list[Told]) -> None:
        if len(told) == 12:
            told[9] = told[9]._replace(score=None)  # failed, or lost its score
            told[10] = told[10]._replace(score=float("nan"))
        if len(told) == 20:
            told[9] = told[9]._replace(score=peak(told[9].values))

    told = swept(PLANE, how("tpe"), changed=changed)
    assert (len(told), distinct(told)) == (24, 24)
    undisturbed = swept(PLANE, how("tpe"))
    assert told[:12] != undisturbed[:12] and [one.values for one in told[:12]] == [
        one.values for one in undisturbed[:12]
    ]
    assert [one.values for one in told] != [one.values for one in undisturbed], "it is told"


def test_the_optimiser_comes_to_what_scores_well() -> None:
    told = swept(PLANE, how("tpe", number=8), rounds=6)
    scores = [peak(one.values) for one in told]
    assert sum(scores[-16:]) > 3 * sum(scores[:16]), "they are negative"
    assert max(scores) > -0.03
    mirrored = swept(PLANE, how("tpe", "smallest", number=8), lambda one: -peak(one), rounds=6)
    assert [one.values for one in mirrored] == [one.values for one in told]


def test_numbers_are_in_order_however_they_are_listed() -> None:
    shuffled = Space({name: axis[::-1] for name, axis in PLANE.axes.items()})
    assert swept(shuffled, how("tpe")) == swept(PLANE, how("tpe"))


@pytest.mark.parametrize("by", ["grid", "random", "tpe"])
def test_a_search_ends_with_its_space(by: str) -> None:
    told = swept(SMALL, how(by), lambda values: 1.0 + len(canonical(values)), rounds=8)
    assert (len(told), distinct(told)) == (10, 10) and all(one.values in SMALL for one in told)
    assert ask(SMALL, told, 4, how(by), "1") == []
    assert len(ask(SMALL, [], 100, how(by), "1")) == 10


@pytest.mark.parametrize("by", ["random", "tpe"])
def test_spaces_are_larger_than_what_is_asked_of_them(by: str) -> None:
    space = Space({name: [*range(100)] for name in "abcdefghijkl"})  # more than len can say
    told = swept(space, how(by), lambda values: float(values["a"]), rounds=3)
    assert (len(told), distinct(told)) == (12, 12)
    assert len({one.values["a"] for one in told}) > 6
    assert space.point(space.size - 1) == dict.fromkeys("abcdefghijkl", 99)


axis_values = st.one_of(
    st.lists(st.integers(-9, 9), min_size=1, max_size=4, unique=True),
    st.lists(st.sampled_from(["a", "b", "0.5", "1"]), min_size=1, max_size=3, unique=True),
    st.just([True, False]),
    st.just([[0, 8], [8, 16], [16, 20]]),
)


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(axis_values, min_size=1, max_size=3),
    st.sampled_from(["grid", "random", "tpe"]),
    st.sampled_from(["largest", "smallest"]),
    st.integers(1, 9),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_points_are_new_and_of_the_space(
    axes: Any, by: str, goal: str, number: int, random: Any, leaves_out: bool
) -> None:
    names = dict(zip("abc", axes, strict=False))
    left_out = [{name: random.choice(axis) for name, axis in names.items()}] * leaves_out
    space = Space(names, left_out)
    told: list[Told] = []
    while len(told) < len(space):
        asked = ask(space, told, number, how(by, goal), "s")
        assert asked == ask(space, [*told], number, how(by, goal), "s")
        assert len(asked) == min(number, len(space) - len(told))
        assert all(point in space for point in asked)
        told += [Told(point, random.choice([None, 0.0, 0.5, 2.0])) for point in asked]
        assert distinct(told) == len(told)
    assert ask(space, told, number, how(by, goal), "s") == []


PROGRAM = """
import sys
from bossflow.sweeps.search import ask
from bossflow.sweeps.space import Search, Space, Told
space = Space({"a": list(range(30)), "b": ["x", "y"]})
told = [Told(space.point(at * 3), at % 7 / 7) for at in range(15)]
for by in "grid", "random", "tpe":
    assert "optuna" not in sys.modules
    points = ask(space, told, 6, Search(by, 24, 6, "1", "f1", "largest"), "1")
print(points)
"""


def test_it_says_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    told = []
    for _ in range(2):
        command = [sys.executable, "-W", "error::UserWarning", "-c", PROGRAM]
        path = {"PYTHONPATH": str(ROOT / "schema")}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | path
        )
        assert (done.returncode, done.stderr) == (0, "")
        told.append(done.stdout)
    assert told[0] == told[1] and not [*tmp_path.iterdir()]
    points = eval(told[0])
    assert len(points) == 6
    assert all(one != other for one, other in itertools.combinations(points, 2))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    for call in (lambda: refuse_missing(how("tpe")), lambda: ask(PLANE, [], 1, how("tpe"), "1")):
        with pytest.raises(ValueError, match=r"needs Optuna: pip install 'bossflow\[search\]'"):
            call()
    for by in ("grid", "random"):
        refuse_missing(how(by))
        assert len(ask(PLANE, [], 3, how(by), "1")) == 3
