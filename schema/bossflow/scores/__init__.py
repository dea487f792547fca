"""How right results are: compared with a truth, as numbers that can be queried."""
