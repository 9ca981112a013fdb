"""From a trained model to a tag that users load.

``card`` keeps the model card up to date (``card_facts``, ``card_sections``, ``front_matter``),
``weights`` names checkpoints by their hash and records them, ``checkpoint_contents`` inspects and
converts them, ``release`` reads the commit to release, ``checklist`` checks it, and ``verify``
loads it. Nothing here pushes, uploads or uses the network.
"""
