dependencies = ["torch"]

from models import *
