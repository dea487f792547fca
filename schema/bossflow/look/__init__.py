"""What was made, to look at."""
