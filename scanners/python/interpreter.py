"""
Walks what Python runs during Init (modules, and what they call), with hazards in place of values.

A hazard counts when it is kept: in module state that a function reads, in an attribute of a kept object or a class, in a default argument.
Both branches of a condition are walked, each loop once, each function once for each kind of arguments.
"""
import ast
from dataclasses import dataclass, field
from typing import Optional

from catalog import Catalog
from project import Project
from values import NO_LABELS, NOTHING, Class, Function, Label, Module, Place, Value

DEPTH_MAX = 25
STEPS_MAX = 400_000
# What they return tells nothing of what they were given.
FORGETFUL = {"len", "isinstance", "type", "bool", "callable", "hasattr", "print", "range", "id", "logging.getLogger"}
ENVIRONMENT_READS = {"os.getenv", "os.environ.get"}
GENERATOR_RULES = {"random-generator", "seed"}
SERVICES = {"client", "resource", "create_client"}
TAKES_IN = {"append", "add", "update", "extend", "insert", "setdefault", "put", "set", "appendleft"}
ENDS = {"close", "disconnect", "quit", "cleanup", "terminate", "dispose"}
SCOPED_RULES = {"connection", "temp-file"}


@dataclass
class Frame:
    module: Module
    local: Optional[dict[str, Value]] = None
    declared: set[str] = field(default_factory=set)
    function: Optional[Function] = None
    self_name: Optional[str] = None
    fields: set[Label] = field(default_factory=set)
    returned: set[Label] = field(default_factory=set)
    result: Value = NOTHING
    branches: int = 0
    class_name: Optional[str] = None


class Interpreter:
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
            frame.fields |= {label._replace(kept_at=label.kept_at or place, kept_as=label.kept_as or name) for label in value.labels}
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
            if isinstance(target, (ast.Tuple, ast.List)) and isinstance(expression, (ast.Tuple, ast.List)) and len(target.elts) == len(expression.elts):
                for each, part in zip(target.elts, expression.elts):
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
            frame.result = self.eval(node.value, frame)
            frame.returned |= frame.result.labels

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
            value = Value(frozenset(label for label in value.labels if label.rule not in SCOPED_RULES), value.name, None, None, None, None, value.instance)
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
        pairs = [*zip(positional[len(positional) - len(node.args.defaults) :], node.args.defaults), *zip(node.args.kwonlyargs, node.args.kw_defaults)]
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

    # Expressions

    def eval(self, node: ast.AST, frame: Frame) -> Value:
        method = getattr(self, f"eval_{type(node).__name__}", None)
        if method is not None:
            return method(node, frame)
        labels: set[Label] = set()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                labels |= self.eval(child, frame).labels
        return Value(frozenset(labels))

    def eval_Constant(self, node: ast.Constant, _frame: Frame) -> Value:
        return Value(text=node.value) if isinstance(node.value, str) else NOTHING

    def eval_Lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        return Value(function=Function("<lambda>", node, frame.module))

    def eval_Await(self, node: ast.Await, frame: Frame) -> Value:
        return self.eval(node.value, frame)

    def eval_Name(self, node: ast.Name, frame: Frame) -> Value:
        return self.lookup(node.id, frame)

    def eval_NamedExpr(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.eval(node.value, frame)
        self.assign(node.target, value, frame)
        return value

    def eval_BoolOp(self, node: ast.BoolOp, frame: Frame) -> Value:
        values = [self.eval(each, frame) for each in node.values]
        named = next((each for each in values if each.name or each.function or each.cls or each.instance), values[0])
        return named.with_labels(frozenset().union(*(each.labels for each in values)))

    def eval_IfExp(self, node: ast.IfExp, frame: Frame) -> Value:
        self.eval(node.test, frame)
        first, second = self.eval(node.body, frame), self.eval(node.orelse, frame)
        return (first if first.name or first.instance else second).with_labels(first.labels | second.labels)

    def eval_comprehension_like(self, node: ast.AST, frame: Frame) -> Value:
        inner = frame if frame.local is not None else Frame(frame.module, {}, class_name=None, branches=frame.branches)
        for generator in node.generators:
            self.assign(generator.target, Value(self.eval(generator.iter, frame).labels), inner)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return Value(frozenset().union(*(self.eval(part, inner).labels for part in parts)))

    eval_ListComp = eval_SetComp = eval_DictComp = eval_GeneratorExp = eval_comprehension_like

    def eval_Subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        value = self.eval(node.value, frame)
        key = self.eval(node.slice, frame).text
        if value.name is not None and key is not None:
            found = self.source(f"{value.name}[{key}]", node, frame, True)
            return Value(value.labels | found)
        return Value(value.labels)

    def eval_Attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        base = self.eval(node.value, frame)
        if base.module is not None:
            base.module.live.add(node.attr)
            found = base.module.env.get(node.attr)
            if found is not None:
                return found
            return self.import_module(f"{base.module.name}.{node.attr}", frame) if base.module.is_package else NOTHING
        owner = base.cls or base.instance
        if owner is not None:
            method = owner.method(node.attr)
            if method is not None:
                return Value(base.labels, function=method, instance=owner if base.instance is not None else None)
        return Value(base.labels, name=f"{base.name or '?'}.{node.attr}")

    def eval_Call(self, node: ast.Call, frame: Frame) -> Value:
        callee = self.eval(node.func, frame)
        values = [self.eval(argument, frame) for argument in node.args]
        named = {each.arg: self.eval(each.value, frame) for each in node.keywords}
        every = [*values, *named.values()]
        labels = callee.labels.union(*(each.labels for each in every))
        if isinstance(node.func, ast.Attribute) and node.func.attr in (TAKES_IN | ENDS):
            self.mutate(node, labels, frame)
        if callee.function is not None:
            return self.call(callee.function, values, named, callee, node, frame)
        if callee.cls is not None:
            return self.instantiate(callee.cls, values, named, node, frame)
        name = callee.name or "?"
        self.register(name, every)
        if name in FORGETFUL:
            return NOTHING
        if name in ENVIRONMENT_READS and values and values[0].text is not None:
            return Value(self.source(f"os.environ[{values[0].text}]", node, frame, True))
        # A number drawn from a generator is not the generator.
        labels = frozenset(label for label in labels if label.rule not in GENERATOR_RULES or label not in callee.labels)
        found = self.source(name, node, frame, False, every)
        is_seeded = len(every) > 0 and (self.catalog.find(name) or (None, None))[1] == "generator"
        first = values[0].text if values and name.rsplit(".", 1)[-1] in SERVICES else None
        return Value(labels | found, name=f"{name}({'#' if is_seeded else first or ''})")

    def register(self, name: str, arguments: list[Value]) -> None:
        for hook in self.hooks:
            if name.endswith((f"register_{hook}_snapshot", f"register_{hook}_restore")):
                self.hooks[hook] += [each.function for each in arguments if each.function is not None]

    def mutate(self, node: ast.Call, labels: frozenset[Label], frame: Frame) -> None:
        """list.append(x) puts x into the list; connection.close() ends it."""
        target = node.func.value
        if node.func.attr in ENDS:
            value = self.eval(target, frame)
            rest = frozenset(label for label in value.labels if label.rule not in SCOPED_RULES)
            if isinstance(target, ast.Name) and rest != value.labels:
                env = frame.local if frame.local is not None and target.id in frame.local else frame.module.env
                env[target.id] = Value(rest, value.name)
                if env is frame.module.env:
                    self.kept[(frame.module.file, target.id)] = [e for e in self.kept.get((frame.module.file, target.id), []) if e[0].rule not in SCOPED_RULES]
        elif labels and node.args and isinstance(target, (ast.Name, ast.Attribute, ast.Subscript)):
            if isinstance(target, ast.Name):
                current = self.lookup(target.id, frame)
                if current.name is None or current.name.endswith(")"):
                    is_local = frame.local is not None and target.id in frame.local
                    (frame.local if is_local else frame.module.env)[target.id] = current.with_labels(labels)
                    if not is_local and target.id in frame.module.env:
                        self.keep(frame.module.file, target.id, labels, node, frame)
            else:
                self.assign_inside(target, Value(labels), frame)

    def source(self, name: str, node: ast.AST, frame: Frame, is_read: bool, arguments: Optional[list[Value]] = None) -> frozenset[Label]:
        found = self.catalog.find(name)
        if found is None or found.rule == "none" or (found.mode == "noargs" and arguments):
            return NO_LABELS
        rule = "seed" if found.mode == "generator" and arguments else found.rule
        what = name.replace("?.", "").replace("(#)", "()") + ("" if is_read else "()")
        label = Label(rule, what, self.place(node, frame))
        if found.mode != "effect":
            return frozenset({label})
        if self.phase == "after-restore":
            self.cured_effects.add(name)
        else:
            self.effects[(label, label.place)] = (name, self.phase)
        return NO_LABELS

    # Calls

    def call(self, function: Function, values: list[Value], named: dict[str, Value], callee: Value, node: ast.AST, frame: Frame) -> Value:
        labels = frozenset().union(*(each.labels for each in [*values, *named.values()]))
        if function in self.active or len(self.active) > DEPTH_MAX or self.steps > STEPS_MAX:
            return Value(labels)
        is_bound = callee.instance is not None and function.cls is not None
        inner = self.frame_for(function, values, named, is_bound, callee)
        names = tuple((key, value.labels, value.name, value.function, value.cls) for key, value in (inner.local or {}).items())
        key = (function, names, self.phase)
        if key not in self.memo:
            self.active.append(function)
            if isinstance(function.node, ast.Lambda):
                inner.result = self.eval(function.node.body, inner)
                inner.returned |= inner.result.labels
            else:
                self.block(function.node.body, inner)
            self.active.pop()
            result = inner.result.with_labels(frozenset(inner.returned))
            self.memo[key] = Value(result.labels, result.name, result.text, result.function, result.cls, result.module, result.instance)
            if is_bound and inner.fields:
                self.memo[(key, "fields")] = Value(frozenset(inner.fields))
        fields = self.memo.get((key, "fields"), NOTHING).labels
        if fields and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            self.keep_fields(node.func.value, fields, node, frame)
        return self.memo[key]

    def keep_fields(self, target: ast.AST, fields: frozenset[Label], node: ast.AST, frame: Frame) -> None:
        """A method put something into its object: `self.connect()` in a constructor, `service.load()` in a module."""
        if (isinstance(target, ast.Name) and target.id == frame.self_name) or (isinstance(target, ast.Call) and ast.unparse(target.func) == "super"):
            frame.fields |= fields
        elif isinstance(target, ast.Name):
            if frame.local is not None and target.id in frame.local:
                frame.local[target.id] = frame.local[target.id].with_labels(fields)
            elif target.id in frame.module.env:
                frame.module.env[target.id] = frame.module.env[target.id].with_labels(fields)
                frame.branches += 1
                self.keep(frame.module.file, target.id, fields, node, frame)
                frame.branches -= 1

    def frame_for(self, function: Function, values: list[Value], named: dict[str, Value], is_bound: bool, callee: Value) -> Frame:
        arguments = function.node.args
        parameters = [each.arg for each in [*arguments.posonlyargs, *arguments.args]]
        local: dict[str, Value] = {}
        self_name = parameters[0] if is_bound and parameters else None
        if self_name is not None:
            local[self_name] = Value(instance=callee.instance)
            parameters = parameters[1:]
        for index, name in enumerate(parameters):
            local[name] = values[index] if index < len(values) else named.get(name, NOTHING)
        for each in arguments.kwonlyargs:
            local[each.arg] = named.get(each.arg, NOTHING)
        rest = frozenset().union(*(each.labels for each in values[len(parameters) :]))
        for each in (arguments.vararg, arguments.kwarg):
            if each is not None:
                local[each.arg] = Value(rest.union(*(value.labels for key, value in named.items() if key not in local)))
        return Frame(function.module, local, function=function, self_name=self_name)

    def instantiate(self, cls: Class, values: list[Value], named: dict[str, Value], node: ast.AST, frame: Frame) -> Value:
        labels = frozenset().union(*(each.labels for each in [*values, *named.values()]))
        start = cls.method("__init__")
        if start is None:
            external = next((base.name for base in cls.bases if base.name), None)
            found = self.source(external, node, frame, False, [*values, *named.values()]) if external else NO_LABELS
            return Value(labels | found, instance=cls)
        if start in self.active or len(self.active) > DEPTH_MAX:
            return Value(labels, instance=cls)
        inner = self.frame_for(start, values, named, True, Value(instance=cls))
        self.active.append(start)
        self.block(start.node.body, inner)
        self.active.pop()
        return Value(frozenset(inner.fields), instance=cls)
