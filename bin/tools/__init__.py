"""Command lines of other people's tools: what they are given, and how they ended."""
