from .external.vit import *


def vit():
    return ViT()
