import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

@dataclass
class Plain:
    width: int = 1

@dataclass(frozen=True)
class Frozen:
    width: int = 1

@dataclass(eq=False)
class Identity:
    width: int = 1

@dataclasses.dataclass(order=True)
class Hashed:
    width: int = 1
    def __hash__(self):
        return 1

@dataclass
class Options:
    width: int = 1
    plain: Plain = Plain(width=2)  # expect: HUB012
    plain_too: Plain = field(default=Plain(), repr=False)  # expect: HUB012
    made: Plain = field(default_factory=Plain)
    frozen: Frozen = Frozen()
    identity: Identity = Identity()
    hashed: Hashed = Hashed()
    shared: ClassVar[Plain] = Plain()

class NoDataclass:
    plain: Plain = Plain()
