"""Tables of sweeps: which points were asked for in which round, and the requests of each."""

import datajoint as dj

from .tables import Request, schema


@schema
class Sweep(dj.Manual):
    """Points of parameters of a workflow, or of a chain of workflows."""

    definition = """
    # points of parameters that are asked for
    sweep_id         : char(16)      # hash of its definition
    ---
    sweep_name       : varchar(64)   # what a user calls it; its file's name, if nothing
    sweep_definition : json          # as text: canonical JSON of steps, axes, search and score
    sweep_asked      : datetime      # UTC, when it was first asked for
    """


@schema
class SweepRound(dj.Manual):
    """Points that are asked for together, chosen by the scores of those before."""

    definition = """
    # points that are asked for together
    -> Sweep
    sweep_round  : int32         # from 1
    ---
    told_scores  : json          # as text: of each point before, in order, the score, or null
    """


@schema
class SweepPoint(dj.Manual):
    """A point: a value of each parameter that is varied."""

    definition = """
    # a value of each parameter that is varied
    -> Sweep
    sweep_point  : int32         # from 1, in the order in which they were asked for
    ---
    -> SweepRound
    point_values : json          # as text: canonical JSON of names and values
    """


@schema
class SweepRequest(dj.Manual):
    """A request that a point takes: one for each of its steps, and for each row of these.

    The request is part of the key, so that `bossflow forget` takes the row along.
    """

    definition = """
    # request that a point takes
    -> SweepPoint
    sweep_step   : varchar(32)   # name of the step
    sweep_row    : int32         # of the sample sheet, from 1
    -> Request
    """
