"""What do images show? `python use.py IMAGE …` needs onnxruntime, numpy and pillow."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

HERE = Path(__file__).parent
ABOUT = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
HEIGHT, WIDTH, CHANNELS = ABOUT["image_shape"]

session = onnxruntime.InferenceSession(str(HERE / "model.onnx"))
for path in sys.argv[1:]:
    image = Image.open(path).convert("L" if CHANNELS == 1 else "RGB").resize((WIDTH, HEIGHT))
    pixels = np.asarray(image, np.uint8).reshape(1, HEIGHT, WIDTH, CHANNELS)
    (probabilities,) = session.run(None, {"images": pixels})
    best = int(probabilities[0].argmax())
    print(f"{path}: {ABOUT['classes'][best]}, {probabilities[0][best]:.1%}")
