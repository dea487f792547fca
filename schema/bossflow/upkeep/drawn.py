"""Which recorded units are looked at again, drawn at random, and what a sample can tell."""

import math
import random
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field

from ..core import given, installed, ledger, registry, work
from ..core.tables import Request
from .pipeline import Pipeline

WRONG = 0.05
"""Which share of wrong units a sample's odds are told of."""

SURE = 0.95


@dataclass
class Found:
    """The recorded units that can be made again, and how many others there are.

    Attributes
    ----------
    by_request : dict
        Of each request, as it is recalled, its workflow, what is recorded of its units, by id, and
        those of them that no request before it has, and that can be made again.
    passed_over : Counter
        Why units are not looked at, and how many.
    """

    by_request: dict[str, tuple[work.Workflow, work.Request, dict[str, ledger.Recorded], list[str]]]
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def number(self) -> int:
        """How many units can be looked at."""
        return sum(len(names) for *_, names in self.by_request.values())


def found(only: Container[str] | None, total: int, pipeline: Pipeline) -> Found:
    """Return the recorded units that can be made again.

    Parameters
    ----------
    only : container of str, optional
        The executions that are meant; default: all.
    total : int
        How many these are.
    pipeline : Pipeline
        Whose programs there are.
    """
    told, seen = Found({}), set[str]()
    for workflow in installed.known_workflows():
        tables = registry.stage_tables([workflow])
        rows = Request() & {"workflow": workflow.name}
        names = sorted(map(str, rows.to_arrays("request_id")))
        lost = given.not_recalled(workflow, names)
        for group in ledger.with_units(workflow, [name for name in names if name not in lost]):
            every = [unit for _, units in group for unit in units]
            recorded = ledger.recorded_units(tables, every)
            for request, units in group:
                own = {
                    one.unit_id: recorded[one.unit_id] for one in units if one.unit_id in recorded
                }
                new: list[str] = []
                for unit in units:
                    bundle = own.get(unit.unit_id)
                    if bundle is None or bundle.execution_id in seen:
                        continue
                    seen.add(bundle.execution_id)
                    if only is not None and bundle.execution_id not in only:
                        continue
                    if why := _why_not(unit, pipeline):
                        told.passed_over[why] += 1
                    else:
                        new.append(unit.unit_id)
                if new:
                    told.by_request[request.request_id] = workflow, request, own, new
    others = total - told.number - sum(told.passed_over.values())
    told.passed_over["that are of no request that is known here"] += max(0, others)
    return told


def _why_not(unit: work.UnitPlan, pipeline: Pipeline) -> str | None:
    if pipeline.program(unit.process) is None or "tool" in unit.arguments:
        return (
            f"of {unit.process}: no program in {pipeline.root / 'bin'} makes it alone, but "
            "`bossflow reproduce REQUEST` does by Nextflow, and compares"
        )
    return None


def draw(told: Found, size: int | None, seed: int) -> dict[str, list[str]]:
    """Return by request the units that are looked at: all, or so many, any as likely as another."""
    every = [(name, unit) for name, (*_, units) in told.by_request.items() for unit in units]
    if size is not None and size < len(every):
        every = random.Random(seed).sample(sorted(every), size)
    chosen: dict[str, list[str]] = {}
    for name, unit in every:
        chosen.setdefault(name, []).append(unit)
    return chosen


def chance(total: int, wrong: int, size: int) -> float:
    """Return how likely a sample holds a wrong unit: one less the hypergeometric chance of none."""
    if size > total - wrong:
        return 1.0
    return 1 - math.exp(_log_comb(total - wrong, size) - _log_comb(total, size))


def bound(total: int, size: int) -> int:
    """Return how many units are wrong at most, if none of a sample is, as 95% of samples tell.

    The largest number of which a sample finds none in more than 5 of 100 cases.
    """
    low, high = 0, total - size
    while low < high:
        middle = (low + high + 1) // 2
        if chance(total, middle, size) < SURE:
            low = middle
        else:
            high = middle - 1
    return low


def odds(total: int, size: int, wrong: int) -> str:
    """Say what a sample tells of the whole."""
    looked = f"of {total:,} units, {size:,} looked at"
    if size >= total or not size:
        return looked
    if wrong:
        return f"{looked}, drawn at random: {wrong:,} of these differ"
    finds, most = chance(total, math.ceil(WRONG * total), size), bound(total, size)
    return (
        f"{looked}: if 5% were wrong, this finds one with {finds:.0%}; as none "
        f"differs, at most {most:,} ({most / total:.2g} of all) are wrong, with 95% confidence"
    )


def _log_comb(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
