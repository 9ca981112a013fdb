dependencies = ["torch"]

from acme_losses import FocalLoss

__all__ = ["FocalLoss"]
