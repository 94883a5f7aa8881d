"""Recognizers that withstand attacks: adversarial training, and how much is withstood."""
