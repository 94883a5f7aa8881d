"""The web faces: pages and an API over the library, nothing from elsewhere, no logic of GANs of their own.

The processes of pages import no torch; models work in one of their own (`worker`).
"""
