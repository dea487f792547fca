"""Points of parameters for which a workflow, or a chain of workflows, is run."""
