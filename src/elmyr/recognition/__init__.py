"""Recognition: classifiers of images, trained on real and generated ones."""

from elmyr.recognition.recognizer import Recognizer, default_updates

__all__ = ["Recognizer", "default_updates"]
