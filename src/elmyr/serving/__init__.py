"""The web faces: local pages over the library. Loopback only, nothing from elsewhere, no logic of their own."""

from elmyr.serving.start import address_of, listening, port_of, serve_until_stopped
from elmyr.serving.survey_app import survey_app

__all__ = ["address_of", "listening", "port_of", "serve_until_stopped", "survey_app"]
