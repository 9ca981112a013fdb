dependencies = ["torch"]

from acme_unet.models import unet
