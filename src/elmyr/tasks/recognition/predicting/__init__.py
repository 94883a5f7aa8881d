"""What a trained recognizer says of images."""
