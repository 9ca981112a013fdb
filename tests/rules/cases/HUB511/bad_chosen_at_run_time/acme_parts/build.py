from importlib import import_module


def build(kind):
    name = f"acme_parts.heads.{kind}"
    return import_module(name).make()
