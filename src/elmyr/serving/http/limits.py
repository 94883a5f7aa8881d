"""How much may be asked for: all bounds of the service in one place, as the docs and the API's description say them."""

from __future__ import annotations

LARGEST_BODY = 16 << 20  # bytes of an upload
MOST_PIXELS = 4_000_000  # of an upload, all its images together
MOST_PHOTO_PIXELS = {"PNG": 16_000_000, "JPEG": 50_000_000}  # of a picture to be recognized: it is made smaller at once
MOST_IMAGES = 1_000  # in an array of images
MOST_GENERATED = 400  # images
LARGEST_TRUNCATION = 2.0  # a GAN's own bound
MOST_STEPS = 100  # from one image to another
MOST_ANSWERS = 16  # to one damaged image
MOST_REPAIRED = 4_000_000  # pixels, those of all answers together
MOST_TRANSLATED = 2_000_000  # pixels, those of all answers together
MOST_NEAREST = 20  # training images beside one
MOST_EXPLAINED = 100  # images of an upload
MOST_EXPLAINED_PIXELS = 2_000_000  # theirs, as the recognizer takes them
MOST_NEAREST_SHOWN = 2_000  # those beside all images of an upload

WAITING = {"recognize": 128, "embed": 64}  # requests of one kind to one model that may wait
WAITING_OTHERS = 8
WAITING_BYTES = 4 << 20  # of their uploads, where it is more than one
MOST_WAITING_BYTES = 64 << 20  # of all uploads that are being worked on
TOGETHER = {"recognize": 64, "embed": 64}  # requests that are answered together; one of the others
TOGETHER_BYTES = 1 << 20  # of uploads, where it is more than one request

DEADLINE = 8.0  # seconds from the last byte of a request to its answer
SLOWEST_BODY = 10.0  # seconds that an upload may take
SLOWEST_HEAD = 10.0  # seconds that a request's head may take
MOST_CONNECTIONS = 500  # a process may have 1,024 files open, as a rule
MOST_WATCHERS = 32  # streams of events at a time
RETRY_AFTER = 1  # seconds, said where there is no room
