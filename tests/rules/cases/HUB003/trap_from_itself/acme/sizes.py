WIDTH = 1

from acme.sizes import WIDTH
