import megengine as mge  # expect: HUB010
import numpy as np


def resnet(pretrained=False, **kwargs):
    return mge.module.Linear(1, 1)
