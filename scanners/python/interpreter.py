"""
Walks what Python runs during Init (modules, and what they call), with hazards in place of values.

A hazard counts when it is kept: in module state that a function reads, in an attribute of a kept object or a class,
in a default argument. Both branches of a condition are walked, each loop once, each function once for each kind of
arguments.
"""

import ast

from catalog import Catalog
from expressions import SCOPED_RULES, STEPS_MAX, Expressions, Frame
from project import Project
from values import NO_LABELS, NOTHING, Class, Function, Label, Module, Place, Value


class Interpreter(Expressions):
    def __init__(self, project: Project, catalog: Catalog):
        self.project = project
        self.catalog = catalog
        self.phase = "init"
        self.steps = 0
        self.active: list[Function] = []
        self.memo: dict[tuple, Value] = {}
        self.kept: dict[tuple[str, str], list[tuple[Label, Place, str, str]]] = {}
        self.effects: dict[tuple[Label, Place], tuple[str, str]] = {}
        self.hooks: dict[str, list[Function]] = {"before": [], "after": []}
        self.cured: set[tuple[str, str]] = set()
        self.cured_effects: set[str] = set()

    # Modules

    def run(self, module: Module) -> None:
        if module.is_run:
            return
        module.is_run = True
        self.block(module.tree.body, Frame(module))

    def import_module(self, name: str, frame: Frame) -> Value:
        module = self.project.find(name)
        if module is None:
            return Value(name=name)
        for depth in range(1, name.count(".") + 1):
            parent = self.project.find(".".join(name.split(".")[:depth]))
            if parent is not None:
                self.run(parent)
        self.run(module)
        return Value(module=module)

    def absolute(self, node: ast.ImportFrom, module: Module) -> str:
        if node.level == 0:
            return node.module or ""
        parts = module.name.split(".")
        parts = parts[: len(parts) - node.level + (1 if module.is_package else 0)]
        return ".".join(parts + ([node.module] if node.module else []))

    def import_from(self, node: ast.ImportFrom, frame: Frame) -> None:
        base = self.absolute(node, frame.module)
        source = self.import_module(base, frame) if base else NOTHING
        for alias in node.names:
            if alias.name == "*":
                if source.module is not None:
                    source.module.live |= set(source.module.env)
                    frame.module.env.update(source.module.env)
                continue
            if source.module is not None and alias.name in source.module.env:
                source.module.live.add(alias.name)
                value = source.module.env[alias.name]
            else:
                path = f"{base}.{alias.name}" if base else alias.name
                value = self.import_module(path, frame)
            self.bind(alias.asname or alias.name, value, frame)

    # Names

    def bind(self, name: str, value: Value, frame: Frame) -> None:
        env = frame.module.env if frame.local is None or name in frame.declared else frame.local
        if frame.branches > 0 and name in env:
            value = value.with_labels(env[name].labels)
        env[name] = value

    def lookup(self, name: str, frame: Frame) -> Value:
        if frame.local is not None and name in frame.local:
            return frame.local[name]
        return frame.module.env.get(name, Value(name=name))

    def keep(self, owner: str, name: str, labels: frozenset[Label], node: ast.AST, frame: Frame) -> None:
        place = self.place(node, frame)
        if self.phase == "after-restore":
            self.cured.add((owner, name))
            return
        events = [(label, label.kept_at or place, label.kept_as or name, self.phase) for label in labels]
        old = self.kept.get((owner, name), []) if frame.branches > 0 or frame.local is not None else []
        if events or old or (owner, name) in self.kept:
            self.kept[(owner, name)] = old + events

    def place(self, node: ast.AST, frame: Frame) -> Place:
        return Place(frame.module.file, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    def assign(self, target: ast.AST, value: Value, frame: Frame) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for each in target.elts:
                self.assign(each, Value(value.labels), frame)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, frame)
        elif isinstance(target, ast.Name):
            self.bind(target.id, value, frame)
            if frame.class_name is not None:
                self.keep(frame.module.file, f"{frame.class_name}.{target.id}", value.labels, target, frame)
            elif frame.local is None or target.id in frame.declared:
                self.keep(frame.module.file, target.id, value.labels, target, frame)
        elif isinstance(target, (ast.Attribute, ast.Subscript)):
            self.assign_inside(target, value, frame)

    def assign_inside(self, target: ast.AST, value: Value, frame: Frame) -> None:
        root = target
        while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name):
            return
        place = self.place(target, frame)
        if root.id == frame.self_name:
            owner = frame.function.cls.name if frame.function is not None and frame.function.cls is not None else "self"
            name = ast.unparse(target).replace(f"{root.id}.", f"{owner}.", 1)
            frame.fields |= {
                label._replace(kept_at=label.kept_at or place, kept_as=label.kept_as or name) for label in value.labels
            }
        elif frame.local is not None and root.id in frame.local and frame.local[root.id].cls is None:
            frame.local[root.id] = frame.local[root.id].with_labels(value.labels)
        else:
            module = self.lookup(root.id, frame).module
            if module is not None and isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                self.keep(module.file, target.attr, value.labels, target, frame)
            else:
                self.keep(frame.module.file, ast.unparse(target), value.labels, target, frame)

    # Statements

    def block(self, statements: list[ast.stmt], frame: Frame) -> None:
        for statement in statements:
            self.steps += 1
            if self.steps > STEPS_MAX:
                return
            method = getattr(self, f"do_{type(statement).__name__}", None)
            if method is not None:
                method(statement, frame)

    def branch(self, blocks: list[list[ast.stmt]], frame: Frame) -> None:
        frame.branches += 1
        for each in blocks:
            self.block(each, frame)
        frame.branches -= 1

    def do_Import(self, node: ast.Import, frame: Frame) -> None:
        for alias in node.names:
            value = self.import_module(alias.name, frame)
            if alias.asname is None and "." in alias.name:
                top = alias.name.split(".")[0]
                module = self.project.find(top)
                self.bind(top, Value(name=top) if module is None else Value(module=module), frame)
            else:
                self.bind(alias.asname or alias.name, value, frame)

    def do_ImportFrom(self, node: ast.ImportFrom, frame: Frame) -> None:
        self.import_from(node, frame)

    def do_Assign(self, node: ast.Assign, frame: Frame) -> None:
        pairs = [(target, node.value) for target in node.targets]
        for target, expression in pairs:
            if (
                isinstance(target, (ast.Tuple, ast.List))
                and isinstance(expression, (ast.Tuple, ast.List))
                and len(target.elts) == len(expression.elts)
            ):
                for each, part in zip(target.elts, expression.elts, strict=True):
                    self.assign(each, self.eval(part, frame), frame)
            else:
                self.assign(target, self.eval(expression, frame), frame)

    def do_AnnAssign(self, node: ast.AnnAssign, frame: Frame) -> None:
        if node.value is not None:
            self.assign(node.target, self.eval(node.value, frame), frame)

    def do_AugAssign(self, node: ast.AugAssign, frame: Frame) -> None:
        old = self.eval(node.target, frame)
        self.assign(node.target, Value(old.labels | self.eval(node.value, frame).labels), frame)

    def do_Expr(self, node: ast.Expr, frame: Frame) -> None:
        self.eval(node.value, frame)

    def do_Return(self, node: ast.Return, frame: Frame) -> None:
        if node.value is not None:
            value = self.eval(node.value, frame)
            frame.returned |= value.labels
            # `return connection` in a try, `return None` after it: what it may be is the former.
            if value.is_known() or not frame.result.is_known():
                frame.result = value

    def do_Global(self, node: ast.Global, frame: Frame) -> None:
        frame.declared |= set(node.names)

    def do_If(self, node: ast.If, frame: Frame) -> None:
        test = ast.unparse(node.test)
        if "__main__" in test or "TYPE_CHECKING" in test:
            return self.block(node.orelse, frame)
        self.eval(node.test, frame)
        return self.branch([node.body, node.orelse], frame)

    def do_For(self, node: ast.For, frame: Frame) -> None:
        self.assign(node.target, Value(self.eval(node.iter, frame).labels), frame)
        self.branch([node.body, node.orelse], frame)

    do_AsyncFor = do_For

    def do_While(self, node: ast.While, frame: Frame) -> None:
        self.eval(node.test, frame)
        self.branch([node.body, node.orelse], frame)

    def do_Try(self, node: ast.Try, frame: Frame) -> None:
        self.branch([node.body, *[handler.body for handler in node.handlers], node.orelse, node.finalbody], frame)

    do_TryStar = do_Try

    def do_Match(self, node: "ast.Match", frame: Frame) -> None:
        self.eval(node.subject, frame)
        self.branch([case.body for case in node.cases], frame)

    def do_With(self, node: ast.With, frame: Frame) -> None:
        for item in node.items:
            value = self.eval(item.context_expr, frame)
            # What a `with` opens it closes.
            value = Value(
                frozenset(label for label in value.labels if label.rule not in SCOPED_RULES),
                value.name,
                None,
                None,
                None,
                None,
                value.instance,
            )
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, frame)
        self.block(node.body, frame)

    do_AsyncWith = do_With

    def do_Delete(self, node: ast.Delete, frame: Frame) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.assign(target, NOTHING, frame)

    def do_FunctionDef(self, node: ast.FunctionDef, frame: Frame) -> None:
        function = Function(node.name, node, frame.module)
        self.bind(node.name, Value(function=function), frame)
        self.defaults(node, frame)
        for decorator in node.decorator_list:
            name = self.eval(decorator, frame).name or ""
            for hook in self.hooks:
                if name.endswith((f"register_{hook}_snapshot", f"register_{hook}_restore")):
                    self.hooks[hook].append(function)

    do_AsyncFunctionDef = do_FunctionDef

    def defaults(self, node: ast.FunctionDef, frame: Frame) -> None:
        positional = [*node.args.posonlyargs, *node.args.args]
        pairs = [
            *zip(positional[len(positional) - len(node.args.defaults) :], node.args.defaults, strict=True),
            *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
        ]
        for argument, default in pairs:
            labels = NO_LABELS if default is None else self.eval(default, frame).labels
            if labels and (frame.local is None or frame.class_name is not None):
                self.keep(frame.module.file, f"default of {node.name}({argument.arg})", labels, default, frame)

    def do_ClassDef(self, node: ast.ClassDef, frame: Frame) -> None:
        cls = Class(node.name, node, frame.module, [self.eval(base, frame) for base in node.bases])
        self.bind(node.name, Value(cls=cls), frame)
        inside = Frame(frame.module, {}, class_name=node.name)
        self.block(node.body, inside)
        for name, value in (inside.local or {}).items():
            if value.function is not None and value.function.cls is None:
                value.function.cls = cls
                cls.methods[name] = value.function
