"""The hub dir: what lies in it, how it gets there, and who may use it."""
