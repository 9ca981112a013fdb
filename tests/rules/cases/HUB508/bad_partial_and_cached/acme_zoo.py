import os
from urllib.request import urlretrieve

import torch


def fetch(url, folder=".", overwrite=False):
    target = os.path.join(folder, url.rpartition("/")[2])
    try:
        if not os.path.exists(target) or overwrite:
            urlretrieve(url, target)  # expect: HUB508
        return target
    except OSError:
        return None


def build(name, pretrained=True):
    config = fetch("https://example.org/" + name + ".json")
    return torch.nn.Linear(len(config), 1)
