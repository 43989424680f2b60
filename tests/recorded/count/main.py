"""Counts, over all recordings of a directory, the answers that are AWS's. See ../count.ts."""

import glob
import json
import os
import re
import sys
import traceback

import scenarios_api
import scenarios_more
import scenarios_runs
from session import Session, admin, client

SCENARIOS = {**scenarios_api.SCENARIOS, **scenarios_more.SCENARIOS, **scenarios_runs.SCENARIOS}
"""What stands for a runtime that the host does not have: nothing recorded depends on the release of a language."""
FAMILIES = {"python": "python", "nodejs": "nodejs", "java": "java", "dotnet": "java", "ruby": "python"}
DIFFERENCES_SHOWN = 8


def stand_ins():
    """By the recorded name: a runtime of the host of the same language, where it has not that one."""
    installed = json.loads(admin("GET", "host"))["runtimes"]
    named = client.meta.service_model.shape_for("Runtime").enum
    found = {}
    for name in named:
        wanted = FAMILIES.get(re.match("[a-z]+", name).group())
        same_language = sorted(each for each in installed if wanted is not None and each.startswith(wanted))
        if name not in installed and same_language:
            found[name] = same_language[-1]
    return found


def play(test, parameter, responses, runtimes):
    """The differences by step; null where a step was not reached."""
    session = Session(test, parameter, responses, runtimes)
    problem = None
    try:
        run = SCENARIOS.get(test)
        if run is not None:
            run(session)
        else:
            problem = "no requests are known for it"
    except Exception:
        problem = traceback.format_exc(limit=-2)
    finally:
        session.remove()
    return {step: session.results.get(step) for step in responses}, problem


def main():
    directory, *only = sys.argv[1:]
    runtimes = stand_ins()
    same = total = 0
    for path in sorted(glob.glob(os.path.join(directory, "*.json"))):
        test = os.path.basename(path).removesuffix(".json")
        if only and not any(part in test for part in only):
            continue
        with open(path) as file:
            recording = json.load(file)
        for parameter, recorded in recording.items():
            steps, problem = play(test, parameter, recorded["responses"], runtimes)
            good = sum(1 for found in steps.values() if found == [])
            same += good
            total += len(steps)
            if good == len(steps):
                continue
            print(f"{test} [{parameter}]: {good} of {len(steps)}")
            for step, found in steps.items():
                for text in ["not reached"] if found is None else found[:DIFFERENCES_SHOWN]:
                    print(f"  {step}: {text[:600]}")
            if problem is not None:
                print("  " + problem.strip().replace("\n", "\n  "))
    print(f"{same} of {total} answers are AWS's")


main()
