import os, einops

WIDTH = 1
