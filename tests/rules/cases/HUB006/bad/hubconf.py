dependencies = ["torch"]

from models.unet import unet  # expect: HUB006
