"""Samples taken as Gaussians: their moments, those of their replicates, and the Fréchet distances between them."""
