"""Channels as they are registered, for `bossflow channels`: what they are, what refers to them."""

from collections import Counter
from typing import Any

import datajoint as dj

from ..core import installed, registry
from .channels import choices
from .citations import citations
from .tables import Block, Channel, MadeBlock, of_requests
from .told import by_name


def channels() -> list[dict[str, Any]]:
    """Return every channel, by source and resolution.

    Returns
    -------
    list of dict
        `channel` (its id), `source`, `source_name` (of a volume that was made here, by the name of
        the request that made it, or None), `archive`, `resolution`, `chosen` (which channel or
        time of several, or None), `kind`, `dtype`, `extent_xyz` (half-open, voxels),
        `voxel_size_nm_xyz`, `citations` (how it is cited, by the archive or by the user), and the
        numbers of its `requests` and of its `blocks` of which
        something is recorded.
    """
    requests, blocks, chosen = _requests(), _blocks(), choices(Channel.Choice())
    rows = Channel().to_dicts(order_by=("uri", "resolution", "archive", "channel_id"))
    called = by_name(row["uri"] for row in rows)
    cited = citations(row["channel_id"] for row in rows)
    return [
        {
            "channel": row["channel_id"],
            "source": row["uri"],
            "source_name": called.get(row["uri"]),
            "archive": row["archive"],
            "resolution": row["resolution"],
            "chosen": chosen.get(row["channel_id"]),
            "kind": row["kind"],
            "dtype": row["dtype"],
            "extent_xyz": [[row[f"channel_{axis}{end}"] for end in "01"] for axis in "xyz"],
            "voxel_size_nm_xyz": [row[f"voxel_size_{axis}"] for axis in "xyz"],
            "citations": cited.get(row["channel_id"], []),
            "requests": requests[row["channel_id"]],
            "blocks": blocks[row["channel_id"]],
        }
        for row in rows
    ]


def _requests() -> Counter[str]:
    """Count the requests of each channel: those of any workflow, whether it is installed or not."""
    numbers: Counter[str] = Counter()
    for table in of_requests():
        numbers.update(_by_channel(table))
    return numbers


def _blocks() -> Counter[str]:
    """Count the blocks of each channel of which something is recorded."""
    stages = registry.stage_tables(installed.known_workflows()).values()
    first = [table for table in stages if Block.full_table_name in table().parents()] + [MadeBlock]
    return Counter(_by_channel(Block() & [table.proj() for table in first]))


def _by_channel(rows: Any) -> dict[str, int]:
    counts = dj.U("channel_id").aggr(rows, n="count(*)").to_dicts()
    return {str(row["channel_id"]): int(row["n"]) for row in counts}
