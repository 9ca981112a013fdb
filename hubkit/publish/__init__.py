"""PUBLISH: from a trained model to a tag that others load.

``card`` keeps the model card true to the source, ``weights`` gives checkpoints names that say what
they are, ``release`` tells what stands between a commit and a published tag. Nothing here pushes,
uploads or asks a host.
"""
