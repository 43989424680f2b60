import json
import sys
import types
import unittest

# The runtime brings this module along. Here hooks are called by the tests.
hooks = types.ModuleType("snapshot_restore_py")
hooks.register_before_snapshot = hooks.register_after_restore = lambda function: function
sys.modules["snapshot_restore_py"] = hooks
sys.path.insert(0, "src")

import app  # noqa: E402


def ask(event):
    answer = app.handler(event, None)
    assert answer["statusCode"] == 200
    return json.loads(answer["body"])


class AppTest(unittest.TestCase):
    def setUp(self):
        app.state.update(greeting=None, calls=0, restoredAt=None)

    def test_greets_by_name_and_counts_calls(self):
        self.assertEqual(ask({"queryStringParameters": {"name": "Ada"}})["message"], "Hello, Ada!")
        self.assertEqual(ask({}), {"message": "Hello, world!", "calls": 2, "restoredAt": None})

    def test_says_when_it_was_restored(self):
        app.before_snapshot()
        app.after_restore()
        self.assertIsNotNone(ask({})["restoredAt"])


if __name__ == "__main__":
    unittest.main()
