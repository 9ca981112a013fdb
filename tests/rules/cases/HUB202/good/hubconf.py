dependencies = ["torch"]

from models import unet, unet_small
