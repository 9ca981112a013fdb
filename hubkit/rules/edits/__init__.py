"""Edits of source text at the places that syntax trees and tokens tell.

Each function looks at how the source is written and gives edits that keep to it, or None where it
is written in a way that the edit does not know. Nothing here decides what is wrong.
"""
