"""An image translated: `python use.py IMAGE OUT.png` needs onnxruntime, numpy and pillow."""

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
(translated,) = session.run(None, {"images": np.asarray(image, np.uint8).reshape(1, HEIGHT, WIDTH, CHANNELS)})
made = (255 * translated[0]).round().astype(np.uint8)
Image.fromarray(made[..., 0] if CHANNELS == 1 else made).save(sys.argv[2])
