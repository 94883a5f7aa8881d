"""Exporting: models that leave, to be run by programs without elmyr and torch."""

from elmyr.exporting.exported import export
from elmyr.exporting.models import EXPORTED

__all__ = ["EXPORTED", "export"]
