from .external.vit import *  # expect: HUB003


def vit():
    return ViT()
