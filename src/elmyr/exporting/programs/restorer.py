"""An image repaired: `python use.py IMAGE OUT.png [MASK]` needs onnxruntime, numpy and pillow; white is hidden."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

HERE = Path(__file__).parent
HEIGHT, WIDTH, CHANNELS = json.loads((HERE / "model.json").read_text(encoding="utf-8"))["image_shape"]

session = onnxruntime.InferenceSession(str(HERE / "model.onnx"))
image = Image.open(sys.argv[1]).convert("L" if CHANNELS == 1 else "RGB").resize((WIDTH, HEIGHT))
pixels = np.asarray(image, np.uint8).reshape(1, HEIGHT, WIDTH, CHANNELS)
hidden = np.zeros((1, HEIGHT, WIDTH), bool)
if len(sys.argv) > 3:
    hidden[0] = np.asarray(Image.open(sys.argv[3]).convert("L").resize((WIDTH, HEIGHT))) > 127
(repaired,) = session.run(None, {"images": pixels, "hidden": hidden})
made = (255 * repaired[0]).round().astype(np.uint8)
made = np.where(hidden[0, ..., None], made, pixels[0]) if hidden.any() else made
Image.fromarray(made[..., 0] if CHANNELS == 1 else made).save(sys.argv[2])
