dependencies = ["torch"]

from acme_nets import old_unet, unet
