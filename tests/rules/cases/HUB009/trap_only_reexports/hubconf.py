dependencies = ["torch"]

from models import net
