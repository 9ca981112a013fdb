import torch

_MODELS = {}


def build(pretrained):
    if pretrained:
        return _MODELS["net"]
    model = torch.nn.Linear(1, 1)
    return model.eval()
