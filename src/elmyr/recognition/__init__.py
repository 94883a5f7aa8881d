"""Recognition: classifiers of images, trained on real and generated ones."""

from elmyr.recognition.recognizer import Recognizer

__all__ = ["Recognizer"]
