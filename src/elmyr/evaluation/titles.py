"""The figures that there are, in the order in which they are told: what people read, and which way is better."""

from typing import Literal

Better = Literal["lower", "higher", "as the yardstick"]

TITLES: dict[str, tuple[str, Better]] = {
    "frechet_distance": ("Fréchet distance", "lower"),
    "frechet_distance_at_infinity": ("Fréchet distance, without end", "lower"),
    "class_frechet_distance": ("Fréchet distance, mean of the classes", "lower"),
    "kernel_distance": ("kernel distance", "lower"),
    "precision": ("precision", "higher"),
    "recall": ("recall", "higher"),
    "density": ("density", "as the yardstick"),
    "coverage": ("coverage", "higher"),
    "inception_score": ("Inception Score", "higher"),
    "diversity": ("diversity inside a class", "as the yardstick"),
    "class_divergence": ("divergence of the classes read", "lower"),
    "label_accuracy": ("asked label read back", "higher"),
    "told_apart": ("told apart by the discriminator", "as the yardstick"),
    "trained_on_generated": ("trained on generated, tested on real", "higher"),
    "tested_on_generated": ("trained on real, tested on generated", "higher"),
}
