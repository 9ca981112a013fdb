dependencies = ["torch"]

from acme_losses import FocalLoss  # expect: HUB203
