"""Charts and pictures, drawn."""
