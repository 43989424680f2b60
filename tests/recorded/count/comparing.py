"""Compares an answer, as boto3 gives it, with the recorded one. A placeholder stands for one value wherever it is."""

import datetime
import json
import re

ACCOUNT_ON_AWS = "111111111111"
ACCOUNT = "000000000000"
PLACEHOLDER = re.compile(r"(<[a-zA-Z0-9_-]+(?::\d+)?>)")
"""Placeholders that stand for any value, each time for another one."""
ANYTHING = {"date", "datetime", "code-sha256", "log-result", "lambda-url"}
"""Members of boto3's own, beside the status."""
OF_THE_CLIENT = {"HTTPHeaders", "RequestId", "RetryAttempts", "HostId", "MaxAttemptsReached"}


class Comparison:
    """One recorded test with one parameter: the placeholders that have a value are its own."""

    def __init__(self, renamed=None):
        """renamed: values that the host's replace, such as a runtime that it does not have."""
        self.bound = {"<partition>": "aws", "<region>": "us-east-1"}
        self.renamed = renamed or {}

    def differences(self, expected, actual, path=""):
        if isinstance(actual, datetime.datetime):
            actual = actual.isoformat()
        if isinstance(expected, dict) and isinstance(actual, str):
            try:
                actual = json.loads(actual)
            except ValueError:
                return [f"{path}: an object, not {actual!r}"]
        if isinstance(expected, str):
            return self._text_differences(expected, actual, path)
        if isinstance(expected, dict):
            return self._object_differences(expected, actual, path)
        if isinstance(expected, list):
            if not isinstance(actual, list) or len(actual) != len(expected):
                return [f"{path}: {expected!r}, not {actual!r}"]
            pairs = enumerate(zip(expected, actual, strict=True))
            return [found for at, (one, other) in pairs for found in self.differences(one, other, f"{path}[{at}]")]
        # In Python, False equals 0.
        is_same = expected == actual and type(expected) is type(actual)
        return [] if is_same else [f"{path}: {expected!r}, not {actual!r}"]

    def _object_differences(self, expected, actual, path):
        if not isinstance(actual, dict):
            return [f"{path}: an object, not {actual!r}"]
        found = []
        for name in [*expected, *(name for name in actual if name not in expected)]:
            inner = f"{path}.{name}"
            if name in OF_THE_CLIENT and path.endswith("ResponseMetadata"):
                continue
            if name not in actual:
                found.append(f"{inner}: missing, {expected[name]!r} is wanted")
            elif name not in expected:
                found.append(f"{inner}: not wanted, is {actual[name]!r}")
            else:
                found += self.differences(expected[name], actual[name], inner)
        return found

    def _text_differences(self, expected, actual, path):
        expected = self.renamed.get(expected, expected)
        if expected in ANYTHING:
            return [] if actual is not None else [f"{path}: missing"]
        if isinstance(actual, dict | list) and not PLACEHOLDER.fullmatch(expected):
            return [f"{path}: {expected!r}, not {actual!r}"]
        text = str(actual)
        names = []
        pattern = ""
        for part in PLACEHOLDER.split(expected.replace("<<", "<").replace(">:1>", ":1>")):
            if PLACEHOLDER.fullmatch(part) and part not in self.bound:
                names.append(part)
                pattern += "(.+?)"
            else:
                pattern += re.escape(self.bound.get(part, part).replace(ACCOUNT_ON_AWS, ACCOUNT))
        match = re.fullmatch(pattern, text, re.DOTALL)
        if match is None:
            return [f"{path}: {expected!r}, not {text!r}"]
        for name, value in zip(names, match.groups(), strict=True):
            if name.startswith("<uuid:") and value in self.bound.values():
                return [f"{path}: {name} is {value}, which another placeholder is"]
            if re.search(r":\d+>$", name) or name.startswith("<csc"):
                self.bound[name] = value
        return []
