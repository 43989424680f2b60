"""The sources of state that must not be cloned, from standard input: `RULE<tab>MODE<tab>PATTERN` a line."""

import fnmatch
from collections.abc import Iterable
from typing import NamedTuple


class Source(NamedTuple):
    rule: str
    # value: the result of the call is the hazard; noargs: only without arguments; generator: `seed` instead of the
    # rule where it has arguments; effect: the call itself is the hazard, kept or not.
    mode: str
    pattern: str


class Catalog:
    def __init__(self, lines: Iterable[str]):
        self.exact: dict[str, Source] = {}
        self.globs: list[Source] = []
        self.cache: dict[str, Source | None] = {}
        for line in lines:
            if not line.strip():
                continue
            source = Source(*line.rstrip("\n").split("\t"))
            if "*" in source.pattern:
                self.globs.append(source)
            else:
                self.exact[source.pattern] = source

    def find(self, name: str) -> Source | None:
        if name in self.exact:
            return self.exact[name]
        if name not in self.cache:
            self.cache[name] = next((each for each in self.globs if _matches(each.pattern, name)), None)
        return self.cache[name]


def _matches(pattern: str, name: str) -> bool:
    """`random.*` is a function of the module, not a method of an object that the module made."""
    if ")" in name and ")" not in pattern and not pattern.startswith("*"):
        return False
    return fnmatch.fnmatchcase(name, pattern)
