import torch


class Net(torch.nn.Module):
    """A network."""

    def __init__(self, pretrained):
        super().__init__()
        self.backbone = self.make_backbone()
        if pretrained:
            self.load()

    def make_backbone(self):
        return torch.hub.load_state_dict_from_url(  # expect: HUB508
            "https://example.org/acme-backbone.pth", map_location="cpu", weights_only=True
        )

    def load(self):
        torch.hub.load_state_dict_from_url(
            "https://example.org/acme-head.pth", map_location="cpu", weights_only=True
        )


def build(pretrained):
    return Net(pretrained=pretrained)
