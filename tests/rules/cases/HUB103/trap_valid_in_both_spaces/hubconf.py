dependencies = ["torch", "timm", "einops", "clip", "faiss", "pytorch_lightning"]

import clip as _clip
import einops as _einops
import faiss as _faiss
import pytorch_lightning as _lightning
import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
