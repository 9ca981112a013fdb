dependencies = ["torch"]

from acme_net_blocks import net
