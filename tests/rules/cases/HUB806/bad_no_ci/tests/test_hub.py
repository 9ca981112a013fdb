import torch

torch.hub.load(".", "net", source="local")
