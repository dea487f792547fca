"""What blocks have of segments that are sorted into buckets, its index, and what a bucket reads.

A block leaves a file with a range for each bucket, and `slices.parquet`, which tells of each where
it is, and a digest of what is in it. The index of a request has these rows of all its blocks.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from kit import bundles, digests, locations, outside, verification
from kit.bundles import Finished
from kit.units import Bundle, Unit
from voxels.arrow import column, strings
from voxels.boxes import Box

Slice = dict[str, Any]
"""A row of the index, and the `box` of its block."""

Read = TypeVar("Read")

ROWS_AT_ONCE = 2**16
"""Rows of the index that are read at once: a bucket's are next to each other."""

INDEX = "slices.parquet"


def write(directory: Path, slices: Sequence[Any], counted: str) -> None:
    """Write what a block has of each bucket.

    Parameters
    ----------
    directory : Path
        Of its bundle.
    slices : sequence
        With the attributes `bucket`, `start`, `end` and `digest`.
    counted : str
        What else they have: a number.
    """
    table = {
        name: column(np.array([getattr(one, name) for one in slices], np.int64))
        for name in ("bucket", counted, "start", "end")
    }
    table["digest"] = strings([one.digest for one in slices])
    pq.write_table(pa.table(table), directory / INDEX)


def index(unit: Unit, bundle: Bundle, about: dict[str, Any], inside: str, paramset: str) -> int:
    """Fill the bundle of one request: a row for each bucket that a block has something of.

    Parameters
    ----------
    unit : Unit
        Made of the blocks.
    bundle : Bundle
    about : dict
        The `info` of what is made of the buckets.
    inside : str
        The directory that this is to be in, to which buckets add.
    paramset : str
        What a block's parameter set is called in its key.

    Returns
    -------
    int
        How many rows there are.
    """
    tables = list(map(pq.read_table, bundles.stream(unit.inputs, INDEX)))
    numbers = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
    slices = pa.concat_tables(tables).append_column("block", column(numbers))
    slices = slices.take(pc.sort_indices(slices, [("bucket", "ascending"), ("block", "ascending")]))
    pq.write_table(slices, bundle.directory / INDEX, row_group_size=ROWS_AT_ONCE)
    made = bundle.directory / inside
    made.mkdir()
    (made / "info").write_text(json.dumps(about))
    keys = [given.key for given in unit.inputs]
    source = {
        name: strings([key[name] for key in keys]) for name in ("channel_id", "block", paramset)
    }
    pq.write_table(pa.table(source), bundle.directory / "source.parquet")
    bundle.parts["Source"] = "source.parquet"
    return int(slices.num_rows)


def of_bucket(index: Finished, bucket: int) -> list[Slice]:
    """Return what an index says of a bucket: each block with something of it, by number and box."""
    own = [("bucket", "=", bucket)]
    found = pq.read_table(index.file(INDEX), filters=own).to_pylist()
    given = index.manifest["inputs"]
    return [one | {"box": given[one["block"]]["key"]["block"]} for one in found]


def read(
    unit: Unit, slices: list[Slice], name: str, decoded: Callable[[bytes, Box, str], Read]
) -> Iterable[Read]:
    """Yield what blocks have of a bucket, each read from its slice of the file alone.

    Parameters
    ----------
    unit : Unit
        Made of the index.
    slices : list of dict
        As `of_bucket` returns them.
    name : str
        What the file is called in each block's bundle.
    decoded : callable
        Takes the bytes, the block's box and the digest of what is in them.

    Raises
    ------
    ValueError
        If a block's can't be read.
    """
    (index,) = unit.inputs
    blocks = unit.opened(index, [one["block"] for one in slices])

    def of_block(given: tuple[Slice, Finished]) -> Read:
        one, block = given
        content, box = block.span(name, one["start"], one["end"]), Box.parse(one["box"])
        try:
            return decoded(content, box, one["digest"])
        except ValueError as error:
            where = locations.shown(block.store)
            raise ValueError(f"block {box.name} in {where}: {error}") from None

    return locations.each(of_block, zip(slices, blocks, strict=True), index.directory)


def put(index: Finished, bundle: Bundle, inside: str) -> None:
    """Put what a bundle has in a directory beside what the index and others have there."""
    directory = index.file(f"{inside}/info").parent
    with bundles.held(index, directory) as held:
        outside.put(bundle, bundle.directory / inside, directory, held)


def take(unit: Unit, bundle: Bundle, slices: list[Slice], bucket: str, inside: str) -> bool:
    """Take what an earlier request made of the same, in the same way, if it is whole.

    Parameters
    ----------
    unit : Unit
        With the setting `earlier`.
    bundle : Bundle
    slices : list of dict
        As `of_bucket` returns them.
    bucket : str
        What the bucket's number is called in its key.
    inside : str
        The directory of its bundle that goes beside others'.
    """
    made = bundle.directory / inside
    for earlier in unit.settings["earlier"] if bundle.kept else ():
        try:
            same = _found(unit, earlier, slices, bucket)
            if same is None:
                continue
            verification.verify(same, same.store)
            entries = same.manifest["files"]
            for entry, path in zip(entries, same.files_in(""), strict=True):
                own = (same.store / entry["path"]).is_relative_to(same.directory)
                target = bundle.directory / path.name if own else made / path.name
                try:
                    os.link(path, target)
                except OSError:  # on another file system, or another user's
                    shutil.copyfile(path, target)
            if not bundles.in_place(same):
                raise ValueError("it was made anew meanwhile")
        except (OSError, ValueError) as error:
            print(f"the bucket is not taken from request {earlier['request_id']}: {error}")
            for path in [*made.iterdir(), *bundle.directory.glob("*.parquet")]:
                path.unlink()
            continue
        bundle.attributes |= same.manifest["attributes"]
        bundle.taken_from = locations.url(same.directory)
        return True
    return False


def _found(
    unit: Unit, earlier: dict[str, Any], slices: list[Slice], bucket: str
) -> Finished | None:
    """Return the bundle of a bucket of an earlier request, if it was made of the same."""
    store = locations.local(earlier["store"])
    name = digests.unit_id(unit.process, unit.key | {"request_id": earlier["request_id"]})
    try:
        there = bundles.read(locations.place(store, unit.process, name))
        (given,) = there.manifest["inputs"]
        index = bundles.read(locations.place(store, given["process"], given["unit_id"]))
    except FileNotFoundError:
        return None
    if there.manifest["arguments"] != unit.arguments:
        return None
    if index.content_sha256 != given["content_sha256"]:
        return None
    theirs = of_bucket(index, unit.key[bucket])
    same = [(one["box"], one["digest"]) for one in theirs]
    return there if same == [(one["box"], one["digest"]) for one in slices] else None
