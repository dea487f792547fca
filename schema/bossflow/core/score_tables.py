"""Tables of truths, and of how right results are."""
