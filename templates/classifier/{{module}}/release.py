"""Where the released weights are; the training script writes this file."""

URL = None
