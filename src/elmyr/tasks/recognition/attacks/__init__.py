"""Attacks on recognizers: small changes of images, made so that they are misread."""
