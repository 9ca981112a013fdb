import torch

model = torch.hub.load("acme/net", "net_large", pretrained=True)  # expect: HUB803
