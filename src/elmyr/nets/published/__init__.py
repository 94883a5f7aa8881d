"""Networks that others have published, with their names of weights: their files load as they are."""
