"""The process that holds the models."""
