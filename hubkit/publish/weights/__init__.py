"""Checkpoints made ready to be published: named by their hash, recorded, looked into.

``naming`` makes names, ``contents`` tells what a file holds without running any of it, ``copying``
puts files in place, ``record`` writes down what they are, ``converting`` makes safetensors of them.
"""

from hubkit.publish.weights.contents import Contents, read_contents
from hubkit.publish.weights.converting import convert_to_safetensors
from hubkit.publish.weights.copying import Added, copy_checkpoint, require_file
from hubkit.publish.weights.naming import hash_name
from hubkit.publish.weights.notes import find_notes
from hubkit.publish.weights.record import record_weights

__all__ = [
    "Added",
    "Contents",
    "convert_to_safetensors",
    "copy_checkpoint",
    "find_notes",
    "hash_name",
    "read_contents",
    "record_weights",
    "require_file",
]
