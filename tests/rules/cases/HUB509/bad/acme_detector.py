import torch
import torchvision


def is_main_process():
    return torch.distributed.get_rank() == 0


class Backbone(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        self.body = getattr(torchvision.models, name)(pretrained=is_main_process())  # expect: HUB509


def encoder(name, weights=None):
    return torch.nn.Linear(1, 1)
