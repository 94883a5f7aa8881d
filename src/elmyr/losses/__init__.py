"""Losses: objectives, penalties, auxiliary terms and augmentation, as small objects and functions."""
