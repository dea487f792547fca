"""Forget requests, and channels that nothing refers to: rows that were asked for, not results.

With a request go the channels that it makes, and scores of it, or with it for the truth. What other
requests share stays: blocks, and calls of a function that they ask for too. Where results go along,
they go as `bossflow invalidate` has them go: bundles aside first, then rows.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .. import database
from ..core import installed, ledger, migrations, registry, removal, states
from ..core.cascade import Cascade, Rows
from ..core.dependents import bundles_of, reached
from ..core.made_for import made_for_no_other, requests_with
from ..core.score_tables import Metric, Score
from ..core.tables import Execution, Reading, Request, schema
from ..volumes.tables import Block, Channel, Cutout, MadeChannel
from . import invalidate, status

MOST = 10
"""What is listed of requests that are in the way."""


@dataclass(frozen=True)
class Forgotten:
    """What goes, or would go.

    Attributes
    ----------
    requests, channels : list of str
        Ids.
    results : dict
        Executions, and the URLs of their bundles.
    n_bytes : int
        Of these bundles.
    cutouts, blocks : int
        How many of a channel go that were registered.
    scores : int
        How many go, also those of other requests of which a result here is the truth.
    """

    requests: list[str]
    channels: list[str]
    results: dict[str, str]
    n_bytes: int
    cutouts: int
    blocks: int
    scores: int

    @property
    def named(self) -> dict[str, list[str]]:
        """What was named, by what it is."""
        return {"request": self.requests, "channel": self.channels}


def look(requests: Iterable[str], channels: Iterable[str]) -> Forgotten:
    """Return what would go with requests and channels, which are named by the start of their ids.

    Raises
    ------
    ValueError
        If one is not known, or something else refers to it.
    """
    chosen = sorted({ledger.named(Request, start) for start in requests})
    for name in {row["workflow"] for row in ledger.among(Request(), "request_id", chosen)}:
        installed.opened(name)
    places = sorted({ledger.named(Channel, start) for start in channels})
    return _found(chosen, places)[2]


def forget(going: Forgotten) -> tuple[Forgotten, int]:
    """Forget what was looked at, and what came to it since.

    A kill in between leaves rows whose bundles are gone, as with `invalidate`.

    Returns
    -------
    tuple
        What went, and how many bundles were moved into `.retired`.

    Raises
    ------
    ValueError
        If something else refers to it by now.
    """
    conn = database.connection()
    strays = [path for name in going.channels for path in invalidate.strays((), name)]
    with database.lock(conn):
        cascade, rows, gone = _found(going.requests, going.channels)
        moved = removal.set_aside(gone.results, strays)
        with conn.transaction:
            cascade.delete(rows)
    return gone, moved


def _found(requests: list[str], channels: list[str]) -> tuple[Cascade, Rows, Forgotten]:
    made = [row["channel_id"] for row in ledger.among(MadeChannel(), "request_id", requests)]
    start = {Request.full_table_name: requests, Channel.full_table_name: [*channels, *made]}
    start[Execution.full_table_name] = sorted(made_for_no_other(requests))
    cascade, rows = reached({table: {(name,) for name in names} for table, names in start.items()})
    _refuse_shared(cascade, rows, requests, channels, made)
    results, names = bundles_of(rows), set(channels)
    sizes = ledger.among(Execution.proj("bundle_bytes"), "execution_id", results)
    cutouts, blocks = (
        sum(not names.isdisjoint(key) for key in rows.get(table.full_table_name, ()))
        for table in (Cutout, Block)
    )
    scores = len(rows.get(Score.full_table_name, ()))
    n_bytes = sum(row["bundle_bytes"] for row in sizes)
    gone = Forgotten(requests, channels, results, n_bytes, cutouts, blocks, scores)
    return cascade, rows, gone


def _refuse_shared(
    cascade: Cascade,
    rows: Rows,
    requests: Collection[str],
    channels: Collection[str],
    made: Collection[str],
) -> None:
    """Refuse rows that are neither of these requests, nor of these channels, nor of those made.

    What was made of blocks of two channels, such as a segmentation's with an image's, is of both:
    it goes with either, and the requests that it was made for are found by themselves. Results that
    name neither are found by what requests ask for.
    """
    stages = registry.stage_tables(installed.known_workflows()).values()
    results = {part.full_table_name for stage in stages for part in migrations.parts(stage)}
    ours = {part.full_table_name for cls, _ in schema.tables for part in migrations.parts(cls)}
    core = {table.full_table_name for table in (Execution, Reading, Metric, Score)}
    others = requests_with(name for (name,) in rows.get(Execution.full_table_name, ()))
    others -= {*requests}
    left: list[str] = []
    strange: set[str] = set()
    for table, keys in sorted(rows.items()):
        names = sorted(cascade.graph.nodes[table]["primary_key"])
        if table in core:
            continue
        if table in ours and "request_id" in names:
            others |= {key[names.index("request_id")] for key in keys} - set(requests)
        elif table in results and ("channel_id" in names or "request_id" not in names):
            continue
        elif table in ours and "channel_id" in names:
            channel_ids = {str(key[names.index("channel_id")]) for key in keys}
            strange |= channel_ids - {*channels, *made}
        else:
            left.append(f"{len(keys):,} rows of table {table}")
    named = strange.union(channels)  # without its channels, a request could not be made again
    makers = {row["channel_id"]: row for row in ledger.among(MadeChannel(), "channel_id", named)}
    others |= {row["request_id"] for row in makers.values()}.difference(requests)
    left = [f"channel {name}" for name in sorted(strange - makers.keys())] + left
    if not others and not left:
        return
    what = " and ".join(
        [f"request {name}" for name in requests] + [f"channel {name}" for name in channels]
    )
    told = {
        request["request"]: status.what(request)
        for request in states.requests(sorted(others)[:MOST])
    }
    listed = [f"request {name} ({told.get(name, '')})" for name in sorted(others)[:MOST]]
    if len(others) > MOST:
        listed.append(f"{len(others) - MOST:,} more requests: see `bossflow status`")
    then = ""
    if not left:
        command = " ".join(sorted(others)[:MOST])
        also = "".join(f" --channel {name}" for name in channels)
        then = f"; `bossflow forget {' '.join([*requests, command])}{also}` forgets them as well"
    raise ValueError(
        f"{what} can't be forgotten, as something else refers to it: "
        f"{', '.join([*listed, *left])}{then}"
    )
