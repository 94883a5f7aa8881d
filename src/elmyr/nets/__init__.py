"""Networks: plain modules, no files, no training. A new pair of networks is one file and one line in `PAIRS`."""

from elmyr.nets.classifier import StridedClassifier
from elmyr.nets.residual import residual_pair

PAIRS = {"residual": residual_pair}

__all__ = ["PAIRS", "StridedClassifier"]
