"""Tables of sweeps: which points were asked for in which round, and the requests of each."""
