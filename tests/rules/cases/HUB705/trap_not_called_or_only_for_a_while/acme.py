import torch

WIDTH = 1


def main():
    torch.manual_seed(0)
