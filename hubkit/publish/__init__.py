"""From a trained model to a tag that users load.

``card`` keeps the model card up to date (``card_facts``, ``card_sections``, ``front_matter``),
``checkpoint`` reads the state dict in a checkpoint, ``weights`` names checkpoints by their hash and
records them, ``wiring`` puts code that loads them into hubconf.py, ``stand_in`` runs code with files
in place of hosts, ``release`` reads the commit to release, ``checklist`` checks it, and ``verify``
loads it. ``site`` makes pages of the models. Nothing here pushes, uploads or uses the network.
"""
