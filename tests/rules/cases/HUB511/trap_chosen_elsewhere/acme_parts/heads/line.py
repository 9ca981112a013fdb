from acme_parts.core import Core


def make():
    return Core.build()
