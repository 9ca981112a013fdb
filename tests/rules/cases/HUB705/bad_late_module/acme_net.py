import torch

torch.manual_seed(0)  # expect: HUB705


class Net(torch.nn.Module):
    pass


def train():
    torch.manual_seed(0)


if __name__ == "__main__":
    torch.manual_seed(0)
