"""Channels as they are registered, for `bossflow channels`: what they are, what refers to them."""

from collections import Counter
from typing import Any

import datajoint as dj

from .. import database
from ..core import installed, registry
from .channels import choices
from .citations import citations
from .tables import Block, Channel, Cutout, MadeBlock, RequestImage
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
        numbers of the `requests` that refer to it, as source or as image, and of its `blocks` of
        which something is recorded.
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
            "requests": requests.get(row["channel_id"], 0),
            "blocks": blocks[row["channel_id"]],
        }
        for row in rows
    ]


def _requests() -> dict[str, int]:
    """Count the requests that refer to each channel, of any workflow, installed or not.

    By whatever foreign key: a second channel, such as an image that is measured, too. And those
    whose `image_source` is the channel's volume, of which a viewer shows resolution 0.
    """
    conn = database.connection()
    own, image = Channel.full_table_name, RequestImage.full_table_name
    named = [
        f"SELECT c.channel_id, i.request_id FROM {image} i JOIN {own} c "
        "ON c.uri = i.image_uri AND c.resolution = 0"
    ]
    for parent in (Channel(), Cutout()):
        for name, link in parent.children(foreign_key_info=True):
            if dj.FreeTable(conn, name).primary_key == ["request_id"]:
                (column,) = (mine for mine, its in link["attr_map"].items() if its == "channel_id")
                column = conn.adapter.quote_identifier(column)
                named.append(f"SELECT {column}, request_id FROM {name}")
    query = (
        f"SELECT channel_id, count(*) FROM ({' UNION '.join(named)}) AS named "
        "WHERE channel_id IS NOT NULL GROUP BY channel_id"
    )
    return {str(channel): int(number) for channel, number in conn.query(query).fetchall()}


def _blocks() -> Counter[str]:
    """Count the blocks of each channel of which something is recorded."""
    stages = registry.stage_tables(installed.known_workflows()).values()
    first = [table for table in stages if Block.full_table_name in table().parents()] + [MadeBlock]
    return Counter(_by_channel(Block() & [table.proj() for table in first]))


def _by_channel(rows: Any) -> dict[str, int]:
    counts = dj.U("channel_id").aggr(rows, n="count(*)").to_dicts()
    return {str(row["channel_id"]): int(row["n"]) for row in counts}
