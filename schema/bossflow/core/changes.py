"""What was read of files and buckets may have changed since: noticed by how its files look.

Size and time are a hint. Where they differ, the unit is made again beside what is recorded, and
the digests of the two decide, before anything is forgotten.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import database
from ..database.insert import insert_absent
from ..kit import bundles, digests
from ..kit.texts import json_lines, key_name, shortened, unit_name
from ..voxels import files
from .ledger import Recorded
from .tables import Reading
from .work import UnitPlan


@dataclass
class Judgement:
    """What is to be done about recorded units that read files.

    Attributes
    ----------
    compare : list of str
        Ids of the units that are to be compared by their voxels first.
    wrong : set of str
        Executions that no longer hold.
    remember : dict
        Execution to what its files look like now.
    notes : list of str
        What the user is told.
    """

    compare: list[str] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)
    remember: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


DROPPED = "were dropped by `bossflow clean`"


def seen(units: Iterable[UnitPlan], mode: str) -> dict[str, str]:
    """Return what the files that units read look like now, by unit; not where nothing tells."""
    if mode == "off":
        return {}
    groups: dict[int, list[UnitPlan]] = {}
    for unit in units:
        if unit.reads and unit.reads.files:
            groups.setdefault(id(unit.reads.files), []).append(unit)
    looks: dict[str, str] = {}
    for group in groups.values():
        reads = [unit.reads for unit in group if unit.reads]
        digests = files.seen(reads[0].files or {}, (read.box for read in reads))
        looks |= dict(zip((unit.unit_id for unit in group), digests, strict=True))
    return looks


def judge(
    mode: str,
    units: dict[str, UnitPlan],
    recorded: dict[str, Recorded],
    now: dict[str, str],
    compared: dict[str, dict[str, Any]] | None,
    bundles_here: dict[str, str],
    again: Collection[str] = (),
) -> Judgement:
    """Say which recorded units hold, which don't, and of which the voxels must tell.

    Parameters
    ----------
    mode : str
        The parameter `source_changes`.
    units, recorded : dict
        By id, units and what is recorded of them and is here.
    now : dict
        What `seen` gave.
    compared : dict, optional
        By unit, the receipts of those that were compared.
    bundles_here : dict
        By unit, where its bundle is here.
    again : collection of str
        Units that were dropped, and of which something is to be made: what is pulled again must be
        what was recorded. Of one that can't be, its own task tells.

    Raises
    ------
    ValueError
        If one could not be compared, or changed meanwhile; or if one looks changed that is made
        otherwise each time, of which no comparison can tell.
    """
    judged = Judgement()
    old, back, unknown, differ = [], [], [], []
    for name, bundle in recorded.items():
        reads = units[name].reads
        if reads is None:
            continue
        if (bundle.reading_version or "1") != reads.version:
            old.append(name)
        elif name in again:
            back.append(name)
        elif name in now and bundle.files_seen is None:
            unknown.append(name)
        elif name in now and bundle.files_seen != now[name]:
            differ.append(name)
    doubtful = {"compare": differ, "voxels": [*differ, *unknown]}.get(mode, [])
    never = [name for name in differ if not units[name].exact]
    if never and doubtful:
        raise ValueError(
            f"{_blocks(never, units)} look changed since they were recorded, and nothing can tell "
            "whether they are, as they would not be the same if they were made again: take them as "
            "they were by --source_changes keep, or `bossflow invalidate` them"
        )
    doubtful = [name for name in doubtful if units[name].exact]
    same: list[str] = []
    changed: list[str] = []
    if doubtful and compared is None:
        judged.compare = doubtful
        looks = f"{_blocks(differ, units)} look changed since they were recorded" if differ else ""
        number = len(doubtful) - len(differ)
        never_seen = f"{number:,} were recorded without a trace of their files" if number else ""
        said = "; ".join(filter(None, [looks, never_seen]))
        judged.notes.append(f"{said}: their voxels are compared first")
    elif doubtful:
        for name in doubtful:
            is_same = _is_same(
                units[name], recorded[name], now[name], compared, bundles_here.get(name)
            )
            (same if is_same else changed).append(name)
    if back and compared is None:
        judged.compare = [*judged.compare, *back]
        said = f"{_blocks(back, units)} {DROPPED}"
        judged.notes.append(f"{said}: they are pulled again, and compared")
    made = {name: compared[name] for name in back if name in compared} if compared else {}
    digests = {
        name: receipt["content_sha256"] for name, receipt in made.items() if "seen" in receipt
    }
    other = [name for name in digests if digests[name] != recorded[name].content_sha256]
    looked = [name for name in digests if made[name]["seen"] == now.get(name, "")]
    if other:
        judged.notes.append(
            f"{_blocks(other, units)} {DROPPED}, and what was pulled again is not what was "
            "recorded: they and all that was made of them are made again"
        )
    judged.wrong = {recorded[name].execution_id for name in [*old, *changed, *other]}
    left = [name for name in unknown if mode != "voxels" or not units[name].exact]
    keep = [*same, *left, *sorted(set(looked).difference(other))]
    judged.remember = {recorded[name].execution_id: now[name] for name in keep}
    judged.notes += _notes(mode, units, old, changed, same, left, differ)
    return judged


def _is_same(
    unit: UnitPlan,
    recorded: Recorded,
    now: str,
    compared: dict[str, dict[str, Any]] | None,
    bundle: str | None,
) -> bool:
    no_receipt = {"error": "its task failed, or its files changed meanwhile"}
    receipt = (compared or {}).get(unit.unit_id, no_receipt)
    name = unit_name(unit.process, unit.key)
    if "content_sha256" not in receipt:
        why = shortened(str(receipt.get("error")), receipt.get("log"))
        raise ValueError(
            f"{name} could not be compared with what is recorded: {why}; run again, or go on with "
            "what is recorded by --source_changes keep"
        )
    if receipt["seen"] != now:
        raise ValueError(
            f"{name} changed while it was compared: run again when its files are at rest"
        )
    if receipt["content_sha256"] == recorded.content_sha256:
        return True
    # of other arguments, such as what was made of a copy, from when that had no set of its own
    same = (
        bundle
        and digests.made_digest(bundles.read(Path(bundle)).manifest) == receipt["made_sha256"]
    )
    return bool(same)


def _blocks(names: list[str], units: dict[str, UnitPlan]) -> str:
    """Return how many of the blocks that are read units name: `3 of 8 blocks (first: 0-16_…)`."""
    processes = {units[name].process for name in names}
    total = sum(unit.process in processes for unit in units.values() if unit.reads)
    first = key_name(units[names[0]].key)
    return f"{len(names):,} of {total:,} blocks (first: {first})"


def _notes(
    mode: str,
    units: dict[str, UnitPlan],
    old: list[str],
    changed: list[str],
    same: list[str],
    unknown: list[str],
    differ: list[str],
) -> list[str]:
    notes = []
    stamped = [u for u in units.values() if u.reads and "stamp" in (u.reads.files or {})]
    if old:
        notes.append(f"{_blocks(old, units)} were read by an older way: they are read again")
    if changed:
        notes.append(
            f"{_blocks(changed, units)} changed since they were recorded: they and all that was "
            "made of them are made again (two volumes at one path, such as of two machines, need "
            "names of their own: `archive`)"
        )
    if same:
        notes.append(f"{_blocks(same, units)} have files of other times, but the same voxels")
    if mode == "keep" and differ:
        notes.append(
            f"{_blocks(differ, units)} look changed since they were recorded, and are taken as "
            "they were (source_changes keep)"
        )
    if unknown:
        can = any(units[name].exact for name in unknown)
        notes.append(
            f"{_blocks(unknown, units)} were recorded without a trace of their files, so they "
            "could not be compared; from now on they are"
            + " (--source_changes voxels compares them)"
            * can
        )
    if mode == "off" and any(unit.reads for unit in units.values()):
        notes.append("whether sources changed was not looked at (source_changes off)")
    elif stamped:
        notes.append(
            f"of {len(stamped):,} blocks only the volume's metadata were compared: what is behind "
            "HTTP, or in a bucket that may not be listed, tells no more"
        )
    return notes


def remember(looks: dict[str, str], versions: dict[str, str]) -> None:
    """Record what files look like; to be called in a transaction.

    Parameters
    ----------
    looks, versions : dict
        By execution, what the files look like, and the version of the way that they were read.
    """
    for some in database.pieces(looks):
        (Reading() & [{"execution_id": name} for name in some]).delete_quick()
    rows = [
        {"execution_id": name, "reading_version": versions[name], "files_seen": look}
        for name, look in looks.items()
    ]
    insert_absent(Reading(), rows)


def receipts(paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return the receipts of tasks that compared, by unit."""
    return {line["unit_id"]: line for path in paths for line in json_lines(path)}
