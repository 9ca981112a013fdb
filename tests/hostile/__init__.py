"""Repos made to make hubkit crash, hang or eat memory."""
