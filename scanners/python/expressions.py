"""The interpreter's half for expressions: what a value is, what is in it, and calls."""

import ast
from dataclasses import dataclass, field

from values import NO_LABELS, NOTHING, Class, Function, Label, Module, Value

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
    local: dict[str, Value] | None = None
    declared: set[str] = field(default_factory=set)
    function: Function | None = None
    self_name: str | None = None
    fields: set[Label] = field(default_factory=set)
    returned: set[Label] = field(default_factory=set)
    result: Value = NOTHING
    branches: int = 0
    class_name: str | None = None


class Expressions:
    """Needs the other half (interpreter.py): `block`, `assign`, `keep`, and the state they share."""

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
                    self.kept[(frame.module.file, target.id)] = [
                        e for e in self.kept.get((frame.module.file, target.id), []) if e[0].rule not in SCOPED_RULES
                    ]
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

    def source(
        self, name: str, node: ast.AST, frame: Frame, is_read: bool, arguments: list[Value] | None = None
    ) -> frozenset[Label]:
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

    def call(
        self,
        function: Function,
        values: list[Value],
        named: dict[str, Value],
        callee: Value,
        node: ast.AST,
        frame: Frame,
    ) -> Value:
        labels = frozenset().union(*(each.labels for each in [*values, *named.values()]))
        if function in self.active or len(self.active) > DEPTH_MAX or self.steps > STEPS_MAX:
            return Value(labels)
        is_bound = callee.instance is not None and function.cls is not None
        inner = self.frame_for(function, values, named, is_bound, callee)
        names = tuple(
            (key, value.labels, value.name, value.function, value.cls) for key, value in (inner.local or {}).items()
        )
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
            self.memo[key] = Value(
                result.labels, result.name, result.text, result.function, result.cls, result.module, result.instance
            )
            if is_bound and inner.fields:
                self.memo[(key, "fields")] = Value(frozenset(inner.fields))
        fields = self.memo.get((key, "fields"), NOTHING).labels
        if fields and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            self.keep_fields(node.func.value, fields, node, frame)
        return self.memo[key]

    def keep_fields(self, target: ast.AST, fields: frozenset[Label], node: ast.AST, frame: Frame) -> None:
        """A method put something into its object: `self.connect()` in a constructor, `service.load()` in a module."""
        if (isinstance(target, ast.Name) and target.id == frame.self_name) or (
            isinstance(target, ast.Call) and ast.unparse(target.func) == "super"
        ):
            frame.fields |= fields
        elif isinstance(target, ast.Name):
            if frame.local is not None and target.id in frame.local:
                frame.local[target.id] = frame.local[target.id].with_labels(fields)
            elif target.id in frame.module.env:
                frame.module.env[target.id] = frame.module.env[target.id].with_labels(fields)
                frame.branches += 1
                self.keep(frame.module.file, target.id, fields, node, frame)
                frame.branches -= 1

    def frame_for(
        self, function: Function, values: list[Value], named: dict[str, Value], is_bound: bool, callee: Value
    ) -> Frame:
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

    def instantiate(
        self, cls: Class, values: list[Value], named: dict[str, Value], node: ast.AST, frame: Frame
    ) -> Value:
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
