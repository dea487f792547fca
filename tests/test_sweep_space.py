"""The points of a sweep: the product of its axes, counted exactly and made one by one."""

import json
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from bossflow.sweeps import reading
from bossflow.sweeps.space import Space
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st

AXES = st.dictionaries(
    st.sampled_from("abcd"),
    st.lists(st.one_of(st.integers(0, 3), st.booleans(), st.just("0.5")), min_size=1, max_size=4),
    min_size=1,
)


def same(one: Any) -> str:
    return json.dumps(one, sort_keys=True)


@settings(max_examples=examples(1000))
@given(AXES, st.data())
def test_points_are_the_product_without_what_is_left_out(axes, data) -> None:
    axes = {
        name: [json.loads(one) for one in dict.fromkeys(map(same, axis))]
        for name, axis in axes.items()
    }
    parts = st.fixed_dictionaries({}, optional={name: st.sampled_from(axes[name]) for name in axes})
    left_out = [part for part in data.draw(st.lists(parts, max_size=4)) if part]
    every = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    kept = [
        point
        for point in every
        if not any(all(same(point[n]) == same(v) for n, v in part.items()) for part in left_out)
    ]
    space = Space(axes, left_out)
    assert len(space) == len(kept)
    assert same([*space]) == same(kept)
    assert [point in space for point in every] == [
        same(point) in map(same, kept) for point in every
    ]


def test_a_large_space_is_counted_and_not_made() -> None:
    axes = {name: [*range(10_000)] for name in "abcd"}
    space = Space(axes, [{"a": 7}, {"b": 1, "d": 2}])
    assert len(space) == 9_999 * (10**12 - 10**4)
    last = space.point(len(space) - 1)
    assert last == dict.fromkeys("abcd", 9_999) and last in space


@settings(max_examples=examples(1000))
@given(st.integers(-500, 500), st.integers(1, 50), st.integers(0, 60), st.integers(0, 4))
def test_a_range_is_counted_in_decimals(start, step, number, digits) -> None:
    scale = Decimal(10) ** -digits
    first, by, last = start * scale, step * scale, (start + step * number) * scale
    said = {"from": float(first), "to": float(last), "step": f"{by:f}"}
    (axis,) = reading.read({"a": said}, lambda _, value: value).axes.values()
    assert [Decimal(one) for one in axis] == [first + by * at for at in range(number + 1)]


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ({"from": 0.88, "to": 0.92, "step": 0.01}, 5),
        ({"from": 0.2, "to": 0.7, "step": 0.1}, 6),
        ({"tiles": [0, 512, 200]}, 3),
        ({"tiles": [-5, 5, 5]}, 2),
    ],
)
def test_ends_are_in(said, number) -> None:
    assert len(reading.read({"a": said}, lambda _, value: value)) == number
    if "tiles" in said:
        (axis,) = reading.read({"a": said}, lambda _, value: value).axes.values()
        assert axis[0][0] == said["tiles"][0] and axis[-1][1] == said["tiles"][1]
