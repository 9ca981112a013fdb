"""The URL of the released weights. Written by the training script."""

URL = None
