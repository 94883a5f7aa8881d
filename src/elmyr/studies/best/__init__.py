"""The best recognizer that a study found, as a model's folder with its card: `STUDY/best/`."""
