dependencies = ["torch"]

from acme.datasets import net
