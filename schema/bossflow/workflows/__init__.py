"""One module a workflow: its tables, its requests and its units."""
