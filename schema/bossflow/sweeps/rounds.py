"""The rounds of a sweep: points are written down, run as rows of a sheet, scored, and told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core import states
from ..kit.digests import canonical
from ..kit.texts import many
from . import points, runs, scoring, sheets
from .definition import Definition
from .points import Key, Point
from .space import Told
from .steps import Row, Step

Say = Callable[[str], None]


@dataclass
class Became:
    """What became of the points of a sweep.

    Attributes
    ----------
    points : list of Point
        All that were asked for.
    complete : set of int
    scores : dict
        By point, of those that have one.
    errors : dict
        By point that is not complete, why.
    """

    points: list[Point] = field(default_factory=list)
    complete: set[int] = field(default_factory=set)
    scores: dict[int, float] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)


class Rounds:
    """The rounds of a sweep, as they are recorded and run on.

    Parameters
    ----------
    definition : Definition
    options : sequence of str
        What `nextflow run` is told beside.
    say : callable
        Is told how far it is.
    """

    def __init__(self, definition: Definition, options: Sequence[str], say: Say) -> None:
        self.definition, self.options, self.say = definition, [*options], say
        self.links: dict[Key, str] = {}
        self.states: dict[str, dict[str, Any]] = {}
        self._scores: dict[int, float] = {}

    def run(self) -> Became:
        """Run what is not complete of the rounds that there are, then new ones, to the end.

        Raises
        ------
        ValueError
            If a run did not begin, or a result can't be scored.
        """
        sweep = self.definition.sweep_id
        points.register(self.definition)
        self._look(points.linked(sweep))
        every = points.points(sweep)
        rounds = [[one for one in every if one.round == at] for at in _rounds(every)]
        for some in rounds:
            self._run(some)
        while some := self._next(every):
            every += some
            self._run(some)
        return self.became(every)

    def dry(self) -> bool:
        """Say what a run would do, and write nothing; return whether all of it could be told."""
        every = points.points(self.definition.sweep_id)
        self._look(points.linked(self.definition.sweep_id))
        numbers = range(len(every) + 1, len(every) + self.definition.search.points + 1)
        asked = points.new(self.definition, self._told(every))
        last = max((one.round for one in every), default=0) + 1
        new = [Point(at, last, one) for at, one in zip(numbers, asked, strict=False)]
        left = [one for one in every if one.number not in self._complete(every)]
        how = self.definition.search
        self.say(
            f"sweep {self.definition.sweep_id} ({self.definition.name}): "
            f"{many(how.points, 'point')} of {self.definition.space.size:,}; "
            f"{len(every):,} asked for before, "
            f"{len(every) - len(left):,} of them complete; {len(new):,} in the next round"
        )
        code = 0
        for step in self.definition.steps:
            rows, waiting = self._rows(step, [*left, *new])
            asked_rows = {canonical(row): row for row in rows.values()}
            done = self._by_content(step, every)
            todo = [row for text, row in asked_rows.items() if text not in done]
            self.say(
                f"step {step.name}: {many(len(asked_rows), 'row')}, "
                f"{len(asked_rows) - len(todo):,} of them complete"
                + f"; {many(waiting, 'more row')} when the steps before are made"
                * bool(waiting)
            )
            if todo and not code:
                named = [(f"row-{number}", row) for number, row in enumerate(todo, 1)]
                code = runs.dry(step, named, self.options)
        return not code

    def became(self, every: list[Point]) -> Became:
        """Return what became of points."""
        complete = self._complete(every)
        errors = {one.number: self._error(one) for one in every if one.number not in complete}
        self._score(every)
        return Became(every, complete, dict(self._scores), errors)

    def _next(self, every: list[Point]) -> list[Point]:
        """Return the points of the next round; none when there are enough, or no more."""
        number = max((one.round for one in every), default=0) + 1
        told = self._told(every)
        how = self.definition.search
        if how.by == "tpe" and every and not self._scores and self._complete(every):
            raise ValueError(
                f"no point has a score {how.best}, which search by tpe goes by: give a truth, or "
                "the name of a number that a program gives as best"
            )
        return points.ask(self.definition, number, told)

    def _told(self, every: list[Point]) -> list[Told]:
        self._score(every)
        return [Told(one.values, self._scores.get(one.number)) for one in every]

    def _score(self, every: list[Point]) -> None:
        complete = self._complete(every) - self._scores.keys()
        requests = {
            number: {(step, row): name for step, row, name in self._of(number)}
            for number in sorted(complete)
        }
        self._scores |= scoring.scores(self.definition, requests)

    def _run(self, some: list[Point]) -> None:
        """Run the steps of a round's points, as far as they are not complete."""
        number, sweep = some[0].round, self.definition.sweep_id
        names = [step.name for step in self.definition.steps]
        for at, step in enumerate(self.definition.steps):
            rows, _ = self._rows(step, some)
            done = self._by_content(step, points.points(sweep))
            known = {
                key: done[canonical(row)] for key, row in rows.items() if canonical(row) in done
            }
            if not known.items() <= self.links.items():
                points.link(sweep, known, names[at + 1 :])
                self._look(points.linked(sweep))
            if len(known) == len(rows):
                continue
            named: dict[str, str] = {}  # by content
            asked: list[tuple[str, Row]] = []
            for key, row in rows.items():
                if canonical(row) not in named:
                    named[canonical(row)] = self._name(key)
                    asked.append((self._name(key), row))
            span = f"points {some[0].number}-{some[-1].number}"
            self.say(f"round {number}, {span}, step {step.name}: {many(len(asked), 'row')}")
            directory = self.definition.directory / f"round-{number}" / step.name
            begin = f"sweep-{sweep[:8]}-{number}"
            what = f"the run of step {step.name} in round {number}"
            runs.run(step, asked, directory, begin, what, self.options)
            found = points.called(named.values())
            links = {
                key: found[named[canonical(row)]]
                for key, row in rows.items()
                if named[canonical(row)] in found
            }
            points.link(sweep, links, names[at + 1 :])
            points.forget_names(named.values())
            self._look(points.linked(sweep))  # who runs the same may have linked more

    def _rows(self, step: Step, some: list[Point]) -> tuple[dict[Key, Row], int]:
        """Return what points ask of a step, and how many rows wait for steps before it."""
        found: dict[Key, Row] = {}
        waiting = 0
        numbers = {one.name: len(one.rows) for one in self.definition.steps}
        for point in some:
            values = self.definition.values(point.values, step)
            for number in range(len(step.rows)):

                def request_of(
                    other: str, point: int = point.number, at: int = number
                ) -> str | None:
                    name = self.links.get((point, other, at if numbers[other] > 1 else 0))
                    return name if name and self._is_complete(name) else None

                row = sheets.row_of(step, number, values, request_of)
                if row is None:
                    waiting += 1
                else:
                    found[point.number, step.name, number] = row
        return found, waiting

    def _of(self, point: int) -> list[tuple[str, int, str]]:
        found = []
        for step in self.definition.steps:
            for number in range(len(step.rows)):
                if name := self.links.get((point, step.name, number)):
                    found.append((step.name, number, name))
        return found

    def _by_content(self, step: Step, every: list[Point]) -> dict[str, str]:
        """Return the complete requests of a step by what was asked, of all points."""
        rows, _ = self._rows(step, every)
        return {
            canonical(row): self.links[key]
            for key, row in rows.items()
            if key in self.links and self._is_complete(self.links[key])
        }

    def _look(self, links: dict[Key, str]) -> None:
        """Take links, and look how far requests are that are not known to be complete."""
        self.links = links
        names = sorted({name for name in links.values() if not self._is_complete(name)})
        if names:
            self.states |= {one["request"]: one for one in states.requests(names)}

    def _is_complete(self, name: str) -> bool:
        state = self.states.get(name)
        return state is not None and state["state"] == "complete" and not state["away"]

    def _complete(self, every: list[Point]) -> set[int]:
        number = sum(len(step.rows) for step in self.definition.steps)
        return {
            one.number
            for one in every
            if sum(self._is_complete(name) for _, _, name in self._of(one.number)) == number
        }

    def _error(self, point: Point) -> str:
        for step, _, name in self._of(point.number):
            if not self._is_complete(name):
                errors = self.states.get(name, {}).get("errors", {})
                unit, said = next(iter(errors.items()), ("", "it is not complete"))
                return f"step {step}, request {name}: {unit}{unit and ': '}{said}"
        return "it was not run"

    def _name(self, key: Key) -> str:
        """Return what a row of a point is called in its sheet: the same in each run of it."""
        point, step, number = key
        words = ["sweep", self.definition.sweep_id[:8], str(point)]
        words += [step] * self.definition.chain
        of = next(one for one in self.definition.steps if one.name == step)
        words += [str(number + 1)] * (len(of.rows) > 1)
        return "-".join(words)


def _rounds(every: list[Point]) -> list[int]:
    return sorted({one.round for one in every})
