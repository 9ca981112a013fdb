import torch


def small():
    return torch.nn.Linear(1, 1)


def large(pretrained=False):
    model = torch.nn.Linear(2, 2)
    if pretrained:
        state = torch.hub.load_state_dict_from_url(
            "https://example.org/large-1a2b3c4d.pth", check_hash=True, weights_only=True
        )
        model.load_state_dict(state)
    return model
