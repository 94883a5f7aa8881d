"""How a recognizer learns."""
