"""Images of a set that a look at their pixels finds odd: near-duplicates, outliers, blurred ones."""
