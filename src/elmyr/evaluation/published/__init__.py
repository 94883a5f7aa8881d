"""Figures that can stand beside published ones: precomputed statistics, and the conventions of other packages."""
