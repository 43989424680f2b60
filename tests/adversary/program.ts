/** A function of a few megabytes that checks every page of itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";

const read = (name: string): string => readFileSync(join(REPOSITORY, "tests/engines/programs", name), "utf8");

/**
 * Answers "ok" or what is wrong. With `{"loop": true}` it reads until it is killed; with `{"tell": true}` it prints
 * "begun", "half" and "looping" as it comes to them.
 */
export const SELF_CHECKING = [
  read("runtime.py"),
  read("memory.py"),
  `PAGES = 2048
memory = map_pages(PAGES)
fill(memory, range(PAGES))


def check(event):
    tell = print if event.get("tell") else (lambda *_, **__: None)
    tell("begun", flush=True)
    for start in range(0, PAGES, event.get("step", PAGES)):
        if start == PAGES // 2:
            tell("half", flush=True)
        wrong = differs(memory + start * PAGE, range(start, min(start + event.get("step", PAGES), PAGES)), "memory")
        if wrong:
            return wrong
    tell("looping", flush=True)
    while event.get("loop"):
        libc.madvise(memory, 0, 0)
    return "ok"


serve(check, takes_event=True)
`,
].join("\n");
