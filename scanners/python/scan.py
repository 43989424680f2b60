"""
Snapshot hazards in Python code, without running it. Called by `thaw scan`:

    python3 scan.py ROOT [--handler MODULE.FUNCTION] [--dependencies] < sources.tsv

JSON lines on standard output: finding, problem, handler, and done with the number of files. Paths are relative to ROOT.
"""

import argparse
import ast
import json
import os
import sys

from catalog import Catalog
from interpreter import Frame, Interpreter
from project import Project
from values import Module, Value


def emit(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")


def entries(project: Project, handler: str) -> list[tuple[Module, str]]:
    if handler == "":
        found = []
        for path, function in project.handler_modules():
            module = project.modules[os.path.realpath(path)]
            if module is not None:
                found.append((module, function))
        return found
    name, _, function = handler.rpartition(".")
    path = os.path.join(project.root, *name.replace(".", "/").split("/")) + ".py"
    if not os.path.isfile(path):
        path = os.path.join(path.removesuffix(".py"), "__init__.py")
    module = project.load(path, name.replace("/", "."), path.endswith("__init__.py")) if os.path.isfile(path) else None
    return [] if module is None else [(module, function)]


def cured_by_handler(interpreter: Interpreter, module: Module, name: str) -> None:
    """Module state that the handler sets anew in each invoke, before anything else can."""
    function = module.env.get(name, Value()).function
    if function is None or isinstance(function.node, ast.Lambda):
        return
    declared = {each for node in ast.walk(function.node) if isinstance(node, ast.Global) for each in node.names}
    for statement in function.node.body:
        for target in statement.targets if isinstance(statement, ast.Assign) else []:
            if isinstance(target, ast.Name) and target.id in declared:
                interpreter.cured.add((module.file, target.id))


def mark_attribute_reads(project: Project) -> None:
    """`config.RUN_ID` in a function that Init does not run keeps it alive too."""
    for module in [each for each in project.modules.values() if each is not None and each.is_run]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                target = module.env.get(node.value.id, Value()).module
                if target is not None:
                    target.live.add(node.attr)


def run_hooks(interpreter: Interpreter, hook: str, phase: str) -> None:
    interpreter.phase = phase
    for function in interpreter.hooks[hook]:
        interpreter.call(function, [], {}, Value(), function.node, Frame(function.module))


def report(interpreter: Interpreter, project: Project) -> None:
    live = {module.file: module.live for module in project.modules.values() if module is not None}
    seen = set()
    for (owner, name), events in interpreter.kept.items():
        root = name.split(".")[0].split("[")[0]
        is_module_name = name == root and not name.startswith("default of ")
        if (owner, name) in interpreter.cured or (is_module_name and name not in live.get(owner, set())):
            continue
        for label, place, kept_as, phase in events:
            key = (label.rule, place.file, place.line)
            if key in seen:
                continue
            seen.add(key)
            emit(
                type="finding",
                rule=label.rule,
                file=place.file,
                line=place.line,
                column=place.column,
                kept=kept_as,
                what=label.what,
                phase=phase,
                source={"file": label.place.file, "line": label.place.line},
            )
    for (label, place), (name, phase) in interpreter.effects.items():
        if name not in interpreter.cured_effects and (label.rule, place.file, place.line) not in seen:
            seen.add((label.rule, place.file, place.line))
            emit(
                type="finding",
                rule=label.rule,
                file=place.file,
                line=place.line,
                column=place.column,
                kept=None,
                what=label.what,
                phase=phase,
                source={"file": place.file, "line": place.line},
            )


def main() -> None:
    sys.setrecursionlimit(20_000)
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--handler", default="")
    parser.add_argument("--dependencies", action="store_true")
    options = parser.parse_args()
    project = Project(options.root, options.dependencies)
    interpreter = Interpreter(project, Catalog(sys.stdin))
    for module, function in entries(project, options.handler):
        emit(type="handler", name=f"{module.name}.{function}", file=module.file)
        project.add_search(os.path.dirname(os.path.join(project.root, module.file)))
        interpreter.run(module)
        cured_by_handler(interpreter, module, function)
    run_hooks(interpreter, "before", "before-snapshot")
    run_hooks(interpreter, "after", "after-restore")
    mark_attribute_reads(project)
    report(interpreter, project)
    for file, message in project.problems:
        emit(type="problem", file=file, message=message)
    emit(type="done", files=sum(1 for module in project.modules.values() if module is not None and module.is_run))


if __name__ == "__main__":
    main()
