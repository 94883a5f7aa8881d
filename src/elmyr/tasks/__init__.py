"""Tasks: what can be trained, a package each with its `TaskSpec`."""
