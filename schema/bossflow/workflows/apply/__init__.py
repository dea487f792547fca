"""A user's function applied to every block of a cutout, with its halo: a new volume, or rows."""

from ...core.work import Workflow
from ...volumes.made import Volumes
from ...volumes.reading import read_bytes
from .. import map as functions
from .report import describe, in_words, outcome, traced
from .requests import NAME, again, expand, unpack
from .tables import TABLES, Applied, AppliedBlock, AppliedRows, ApplyRequest
from .units import outputs, seconds, units

__all__ = ["Applied", "AppliedBlock", "AppliedRows", "ApplyRequest", "workflow"]

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
    results=("volume", "rows"),
    uses=(functions.workflow,),
    again=again,
    unpack=unpack,
    traced=traced,
    makes=Volumes(outputs),
)
