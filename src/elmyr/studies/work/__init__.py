"""The work of a study in pieces: what they are, how long they take, who does them, and the ledger of what is done."""
