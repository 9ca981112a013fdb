dependencies = ["torch"]

from models import net
from models import net as line
