import torch

import layers  # expect: HUB003
from _hub import keep  # expect: HUB003


class Net(torch.nn.Linear):
    keep = staticmethod(keep)
    layers = layers
