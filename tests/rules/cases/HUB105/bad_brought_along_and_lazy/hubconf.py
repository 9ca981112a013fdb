dependencies = ["torch", "torchvision"]

from acme_nets import folded, net
