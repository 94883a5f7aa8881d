"""Figures of restorers and translators."""
