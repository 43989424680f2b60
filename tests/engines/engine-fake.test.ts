import { expect, it } from "vitest";
import { makeFakeBench } from "./fake-bench.ts";
import { checkSkips, engineSuite } from "./suite.ts";

engineSuite({
  name: "fake",
  make: makeFakeBench,
  skip: {
    "a program that is not there is refused by the errno's name": "it starts no programs",
    "without a boost it has its share of the processor": "it has no processors",
    "its processes are observed": "it has no kernel to ask",
    "a clone has the files of /tmp, and changes only its own": "it has no files",
    "a clone has an identity of its own": "it has no kernel and no /etc",
    "the working set is recorded, and brought ahead": "it has no pages",
  },
});

it("a skip needs a test and a reason", () => {
  expect(() => checkSkips({ "a test that is not there": "reason" })).toThrow("there is no test");
  expect(() => checkSkips({ "its memory is counted": " " })).toThrow("without a reason");
});
