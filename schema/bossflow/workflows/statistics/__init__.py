"""What is measured of the segments of a cutout: size, place, intensities, contacts."""

from ...core.work import Workflow
from ...volumes.reading import read_bytes
from .report import describe, in_words, layers, outcome, points, tables_of
from .requests import NAME, again, expand
from .tables import TABLES, BlockStatistics, Statistics, StatisticsRequest
from .units import seconds, units

__all__ = ["BlockStatistics", "Statistics", "StatisticsRequest", "workflow"]

workflow = Workflow(
    NAME,
    TABLES,
    expand,
    units,
    seconds=seconds,
    pulled_bytes=read_bytes,
    in_words=in_words,
    describe=describe,
    outcome=outcome,
    results=("segments", "contacts", "histograms"),
    layers=layers,
    points=points,
    tables_of=tables_of,
    again=again,
)
