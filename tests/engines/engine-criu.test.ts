import { makeCriuBench } from "./benches.ts";
import { engineSuite } from "./suite.ts";

const NOT_TWICE = {
  "a clone can be taken a snapshot of": "the pid 1 of a clone has given up the rights for it (state-modes.test.ts)",
};

engineSuite({ name: "criu, lazy", make: () => makeCriuBench("lazy"), skip: NOT_TWICE });

engineSuite({
  name: "criu, eager",
  make: () => makeCriuBench("eager"),
  skip: {
    ...NOT_TWICE,
    "the working set is recorded, and brought ahead": "all memory is there before a clone runs",
  },
});
