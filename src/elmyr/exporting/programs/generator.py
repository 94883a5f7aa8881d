"""Generated images as a picture: `python use.py made.png [SEED]` needs onnxruntime, numpy and pillow."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

HERE, COLUMNS = Path(__file__).parent, 10
ABOUT = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
HEIGHT, WIDTH, CHANNELS = ABOUT["image_shape"]
ROWS, SEED = max(1, len(ABOUT["classes"])), int(sys.argv[2]) if len(sys.argv) > 2 else 0

session = onnxruntime.InferenceSession(str(HERE / "model.onnx"))
given = {
    "latents": np.random.default_rng(SEED).normal(size=(ROWS * COLUMNS, ABOUT["latent"])).astype(np.float32),
    "labels": np.repeat(np.arange(ROWS), COLUMNS),
    "truncation": np.array(1, np.float32),
}
(images,) = session.run(None, {port.name: given[port.name] for port in session.get_inputs()})
grid = images.reshape(ROWS, COLUMNS, HEIGHT, WIDTH, CHANNELS).swapaxes(1, 2).reshape(ROWS * HEIGHT, -1, CHANNELS)
pixels = (255 * grid).round().astype(np.uint8)
Image.fromarray(pixels[..., 0] if CHANNELS == 1 else pixels).save(sys.argv[1])
