"""Help, and answers to words that the command line does not have."""
