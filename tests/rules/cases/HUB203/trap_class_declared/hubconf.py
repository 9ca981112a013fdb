dependencies = ["torch"]

from losses import FocalLoss
