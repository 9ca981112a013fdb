dependencies = ["torch"]

from acme_nets import net
