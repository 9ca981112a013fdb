dependencies = ["torch"]

from acme import net
from acme import net as line
