dependencies = ["torch"]

from acme import unet, unet_small
