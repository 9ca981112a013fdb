dependencies = ["torch"]

from package import net
