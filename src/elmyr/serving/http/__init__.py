"""The process that answers requests."""
