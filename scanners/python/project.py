"""The function's own modules: where imports lead, which files are installed packages, which functions are handlers."""

import ast
import os
from collections.abc import Iterator

from values import Module

SKIPPED = {
    "node_modules",
    "site-packages",
    "venv",
    ".venv",
    "env",
    "__pycache__",
    "tests",
    "test",
    ".git",
    ".aws-sam",
    "dist-info",
    "layer",
    "layers",
}
FILES_MAX = 20_000
EVENT_NAMES = {"event", "_event", "evt", "events"}
HANDLER_NAMES = {"handler", "lambda_handler"}
CONTEXT_NAMES = {"context", "_context", "ctx", "_ctx", "_", "lambda_context", "unused_context"}


class Project:
    def __init__(self, root: str, with_dependencies: bool):
        self.root = os.path.realpath(root)
        self.with_dependencies = with_dependencies
        self.search = [self.root]
        self.modules: dict[str, Module | None] = {}
        self.problems: list[tuple[str, str]] = []
        self.installed = self._installed()

    def _installed(self) -> set[str]:
        """Names at the top level that pip put there."""
        names: set[str] = set()
        for entry in os.listdir(self.root):
            if not entry.endswith((".dist-info", ".egg-info")):
                continue
            for listing in ("RECORD", "top_level.txt", "SOURCES.txt"):
                try:
                    with open(os.path.join(self.root, entry, listing), encoding="utf-8") as lines:
                        tops = {line.strip().split(",")[0].split("/")[0] for line in lines}
                        names |= {
                            top.removesuffix(".py")
                            for top in tops
                            if not top.endswith((".dist-info", ".egg-info")) and top not in ("", "..")
                        }
                except OSError:
                    continue
        return names

    def add_search(self, directory: str) -> None:
        """Adds each folder up to the root: sources are often scanned from above the folder that becomes the package."""
        while directory.startswith(self.root):
            if directory not in self.search:
                self.search.append(directory)
            if directory == self.root:
                return
            directory = os.path.dirname(directory)

    def find(self, name: str) -> Module | None:
        for base in self.search:
            path = os.path.join(base, *name.split("."))
            for candidate, is_package in ((f"{path}.py", False), (os.path.join(path, "__init__.py"), True)):
                if os.path.isfile(candidate):
                    top = os.path.relpath(candidate, self.root).split(os.sep)[0].removesuffix(".py")
                    if not self.with_dependencies and (top in self.installed or "site-packages" in candidate):
                        return None
                    return self.load(candidate, name, is_package)
        return None

    def load(self, path: str, name: str, is_package: bool) -> Module | None:
        path = os.path.realpath(path)
        if path not in self.modules:
            self.modules[path] = self._parse(path, name, is_package)
        return self.modules[path]

    def _parse(self, path: str, name: str, is_package: bool) -> Module | None:
        file = os.path.relpath(path, self.root)
        try:
            with open(path, "rb") as source:
                tree = ast.parse(source.read(), path)
        except (SyntaxError, ValueError, RecursionError) as error:
            self.problems.append((file, f"can't be parsed: {error}"))
            return None
        module = Module(name, file, tree, is_package)
        module.live = _live_names(tree)
        return module

    def handler_modules(self) -> Iterator[tuple[str, str]]:
        """(path, function) of all that looks like a handler."""
        count = 0
        for directory, directories, files in os.walk(self.root):
            directories[:] = sorted(
                d
                for d in directories
                if d not in SKIPPED and not d.endswith(("-info", ".egg")) and not d.startswith(".")
            )
            if directory == self.root:
                directories[:] = [d for d in directories if d not in self.installed]
            for file in sorted(files):
                path = os.path.join(directory, file)
                if (
                    not file.endswith(".py")
                    or file.startswith("test_")
                    or file.endswith("_test.py")
                    or file in ("setup.py", "conftest.py")
                ):
                    continue
                if directory == self.root and file.removesuffix(".py") in self.installed:
                    continue
                count += 1
                if count > FILES_MAX:
                    return
                module = self.load(path, self._name_of(path), file == "__init__.py")
                for function in [] if module is None else _handlers(module.tree):
                    yield path, function

    def _name_of(self, path: str) -> str:
        name = os.path.relpath(path, self.root).removesuffix(".py").removesuffix(f"{os.sep}__init__")
        return name.replace(os.sep, ".")


def _handlers(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = [arg.arg for arg in node.args.args]
            if (
                len(names) >= 2
                and names[0] in EVENT_NAMES
                and names[1] in CONTEXT_NAMES
                and len(node.args.args) - len(node.args.defaults) <= 2
            ):
                yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            # `handler = Mangum(app)`
            yield from (each.id for each in node.targets if isinstance(each, ast.Name) and each.id in HANDLER_NAMES)


def _live_names(tree: ast.Module) -> set[str]:
    live: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            live |= _free_reads(node)
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets
        ):
            live |= {
                each.value
                for each in ast.walk(node.value)
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
    return live


def _free_reads(function: ast.AST) -> set[str]:
    reads, stores, declared = set(), set(), set()
    body = function.body if isinstance(function.body, list) else [function.body]
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                (reads if isinstance(node.ctx, ast.Load) else stores).add(node.id)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                declared |= set(node.names)
    return reads - (stores - declared)
