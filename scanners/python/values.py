"""A value as the interpreter knows it: the hazards in it, and what it is, as far as that shows without running it."""

import ast
from dataclasses import dataclass, field
from typing import NamedTuple, Optional


class Place(NamedTuple):
    file: str
    line: int
    column: int


class Label(NamedTuple):
    """One hazard inside a value."""

    rule: str
    what: str
    place: Place
    # Where an object's own field took it in, and the field's name: the line that is to be changed.
    kept_at: Place | None = None
    kept_as: str | None = None


NO_LABELS: frozenset[Label] = frozenset()


@dataclass(frozen=True)
class Value:
    labels: frozenset[Label] = NO_LABELS
    # `uuid.uuid4`, `boto3.client(kms)`: the path of something outside the package.
    name: str | None = None
    text: str | None = None
    function: Optional["Function"] = None
    cls: Optional["Class"] = None
    module: Optional["Module"] = None
    # The class of an object, or of the `self` of a bound method.
    instance: Optional["Class"] = None

    def is_known(self) -> bool:
        return any((self.name, self.text, self.function, self.cls, self.module, self.instance))

    def with_labels(self, labels: frozenset[Label]) -> "Value":
        return Value(self.labels | labels, self.name, self.text, self.function, self.cls, self.module, self.instance)


NOTHING = Value()


@dataclass(eq=False)
class Function:
    name: str
    node: ast.AST
    module: "Module"
    cls: Optional["Class"] = None


@dataclass(eq=False)
class Class:
    name: str
    node: ast.ClassDef
    module: "Module"
    bases: list[Value]
    methods: dict[str, Function] = field(default_factory=dict)

    def method(self, name: str, seen: frozenset["Class"] = frozenset()) -> Function | None:
        if name in self.methods:
            return self.methods[name]
        for base in self.bases:
            if base.cls is not None and base.cls not in seen:
                found = base.cls.method(name, seen | {self})
                if found is not None:
                    return found
        return None


@dataclass(eq=False)
class Module:
    name: str
    file: str
    tree: ast.Module
    is_package: bool
    env: dict[str, Value] = field(default_factory=dict)
    is_run: bool = False
    # Names that functions read, or other modules import: module state that is alive after Init.
    live: set[str] = field(default_factory=set)
