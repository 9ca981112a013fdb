import torch


def build():
    from acme import late

    return late.Net()
