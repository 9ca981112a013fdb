dependencies = ["torch"]

from acme import net
