"""Which blocks a result was made of, and which copies, as rows."""

import pyarrow as pa
import pyarrow.parquet as pq
from kit.units import Bundle, Unit
from voxels.arrow import strings

_COLUMNS = {"pulled_channel_id": "channel_id", "pulled_block": "block"}


def keep_pulled(unit: Unit, bundle: Bundle) -> None:
    """Write the part `Pulled`: the copies of blocks, of several channels, among a unit's inputs."""
    pulled = [given.key for given in unit.inputs if given.manifest["process"] == "PULL_BLOCK"]
    if pulled:
        columns = {name: strings([key[of] for key in pulled]) for name, of in _COLUMNS.items()}
        pq.write_table(pa.table(columns), bundle.directory / "pulled.parquet")
        bundle.parts["Pulled"] = "pulled.parquet"


def keep_seen(unit: Unit, bundle: Bundle) -> None:
    """Write the part `Seen`: the blocks, by channel, of which a unit has voxels."""
    seen = [(name, cell) for name, cells in unit.settings["seen"].items() for cell in cells]
    names = zip(("seen_channel_id", "seen_block"), zip(*seen, strict=True), strict=True)
    table = pa.table({name: strings([*values]) for name, values in names})
    pq.write_table(table, bundle.directory / "seen.parquet")
    bundle.parts["Seen"] = "seen.parquet"
