dependencies = ["torch"]

from unet_parts import unet, unet_small
