import yaml

WIDTH = 1
