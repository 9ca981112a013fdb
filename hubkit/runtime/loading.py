"""Loaders that execute a repo's files in its namespace."""

from __future__ import annotations

import io
import marshal
import os
import struct
import sys
from importlib.abc import Loader
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import TYPE_CHECKING, cast

from hubkit.runtime.loaded import NAME, reads_loaded_modules

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from hubkit.runtime.listing import Source
    from hubkit.runtime.namespace import Namespace

_HEAD = MAGIC_NUMBER + bytes(4)  # of compiled files that go by their source's time and size


class PackageLoader(Loader):
    """Loads the package that stands for a tree: a path and nothing else."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to execute: a tree's own ``__init__.py`` is no part of it."""


class RepoSourceLoader(SourceFileLoader):
    """Loads a source file.

    Nothing of ours stands on the stack while it is executed, so that modules that import one
    another nest as deep as they would elsewhere.
    """

    def __init__(
        self, fullname: str, path: str, namespace: Namespace, source: Source | None = None
    ) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace
        self._source = source

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with the repo's builtins."""
        return self.namespace.new_module(spec.name)

    def path_stats(self, path: str) -> dict[str, float]:
        """What its compiled file is compared with, asked once for that and for us."""
        found = os.stat(path)  # noqa: PTH116
        self.namespace.files.note(path, found)
        return {"mtime": found.st_mtime, "size": found.st_size}

    def get_code(self, fullname: str) -> CodeType | None:
        """Its code, from the compiled file where that is of just this source."""
        # How it was found to be holds good for now, and not for whoever asks again later.
        source, self._source = self._source, None
        read = None if source is None else _read_compiled(source)
        if source is not None and read is not None:
            self.namespace.files.note(source.path, source.found)
            code, reads = read
        elif self.namespace.policy.bytecode is not None:
            code = self._compile(source)
            reads = reads_loaded_modules(code)
        else:
            code = cast("CodeType", super().get_code(fullname))  # a source file has code
            reads = reads_loaded_modules(code)
        if reads:
            self.namespace.readers.add(fullname)
        return code

    def _compile(self, source: Source | None) -> CodeType:
        """Its code from its source alone; the compiled file is kept outside the tree, if at all."""
        stats = self.path_stats(self.path)
        code = self.source_to_code(self.get_data(self.path), self.path)
        if source is not None and source.compiled is not None and not sys.dont_write_bytecode:
            head = _head_of(int(stats["mtime"]), int(stats["size"]))
            self.set_data(source.compiled, head + marshal.dumps(code))
        return code


def _head_of(mtime: int, size: int) -> bytes:
    """How a compiled file begins that is of a source of this time and size."""
    return _HEAD + struct.pack("<II", mtime & 0xFFFFFFFF, size & 0xFFFFFFFF)


def _read_compiled(source: Source) -> tuple[CodeType, bool] | None:
    """What a compiled file holds, and whether it reads ``sys.modules``; None if Python has to look."""
    if source.compiled is None:
        return None
    try:
        with io.open_code(source.compiled) as file:
            content = file.read()
    except OSError:
        return None
    if content[:16] != _head_of(int(source.found.st_mtime), source.found.st_size):
        return None
    try:
        code = marshal.loads(memoryview(content)[16:])  # noqa: S302 - as Python does
    except (EOFError, TypeError, ValueError):
        return None
    if not isinstance(code, CodeType) or code.co_filename != source.path:
        return None
    return code, NAME.encode() in content and reads_loaded_modules(code)


class RepoBytecodeLoader(SourcelessFileLoader):
    """Loads a compiled file that has no source."""

    def __init__(self, fullname: str, path: str, namespace: Namespace) -> None:
        super().__init__(fullname, path)
        self.namespace = namespace

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with the repo's builtins."""
        return self.namespace.new_module(spec.name)

    def get_code(self, fullname: str) -> CodeType | None:
        """Its code, once it is noted how the file was."""
        self.namespace.files.note(self.path, os.stat(self.path))  # noqa: PTH116
        return super().get_code(fullname)


def own_loader(loader: Loader | None, namespace: Namespace) -> Loader | None:
    """The loader that does in a repo what another does elsewhere.

    Raises:
        ImportError: It loads bytecode, where only source is run.
    """
    if type(loader) is SourceFileLoader:
        return RepoSourceLoader(loader.name, loader.path, namespace)
    if type(loader) is SourcelessFileLoader:
        if namespace.policy.bytecode is not None:
            raise ImportError(
                f"{loader.path} is bytecode without its source, which is not run from a fetched repo.",
                name=loader.name,
                path=loader.path,
            )
        return RepoBytecodeLoader(loader.name, loader.path, namespace)
    return loader
