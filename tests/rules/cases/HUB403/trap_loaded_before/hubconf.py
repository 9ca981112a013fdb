dependencies = ["torch"]

from acme.models import net
