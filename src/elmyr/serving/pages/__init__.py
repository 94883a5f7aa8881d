"""The pages, and their tabs."""
