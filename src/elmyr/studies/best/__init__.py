"""The best recognizer that a study found, as a folder with its card, `STUDY/best/`; and the two best arms repeated."""
