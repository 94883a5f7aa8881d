"""Parts of pages, and the records that they are made of."""
