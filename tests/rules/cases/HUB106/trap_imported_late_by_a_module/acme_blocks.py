import einops

WIDTH = 1
