"""What a handler in Python may do: each function is a form, and `handler` calls the one that its event names."""

import asyncio
import datetime
import decimal
import logging
import os
import sys
import threading


class Custom(Exception):
    """An exception with a cause and arguments that are no texts."""


def answers(context):
    return {"name": context.function_name, "ä": [1, None, True]}


def of_context(context):
    return {
        "name": context.function_name,
        "version": context.function_version,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "group": context.log_group_name,
        "has_stream": bool(context.log_stream_name),
        "has_time": context.get_remaining_time_in_millis() > 0,
        "client": context.client_context,
    }


def raises(_context):
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise Custom("outer", 1) from error


def raises_without_text(_context):
    raise ValueError


def exits(_context):
    sys.exit(3)


def exits_hard(_context):
    os._exit(4)


def a_set(_context):
    return {1, 2}


def a_date(_context):
    return datetime.datetime(2026, 1, 1)


def a_decimal(_context):
    return decimal.Decimal("1.5")


def a_nan(_context):
    return float("nan")


def a_cycle(_context):
    cycle = []
    cycle.append(cycle)
    return cycle


def some_bytes(_context):
    return b"bytes"


def numbers_as_keys(_context):
    return {1: "a"}


def a_coroutine(_context):
    async def run():
        return 1

    coroutine = run()
    coroutine.close()
    return coroutine


def runs_a_coroutine(_context):
    async def run():
        await asyncio.sleep(0)
        return "run"

    return asyncio.run(run())


def a_thread(_context):
    seen = []
    thread = threading.Thread(target=lambda: seen.append("thread"))
    thread.start()
    thread.join()
    return seen


def is_deep(context):
    return is_deep(context)


def logs(_context):
    print("printed")
    logging.getLogger().setLevel(logging.INFO)
    logging.debug("hidden")
    logging.info("with %s", "arguments")
    logging.warning("in two\nlines")
    try:
        raise ValueError("logged")
    except ValueError:
        logging.exception("caught")
    print("to stderr", file=sys.stderr)


def handler(event, context):
    return globals()[event](context)


class Callable:
    """A handler that is an object."""

    def __call__(self, event, context):
        return ["object", event]


callable_object = Callable()
number = 1


def one_parameter(event):
    return event
