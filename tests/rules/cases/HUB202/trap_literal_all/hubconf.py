dependencies = ["torch"]

from acme import *
