import sys

sys.path.append("./")  # expect: HUB005

WIDTH = 8
