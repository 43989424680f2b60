import { makeCriuBench } from "./benches.ts";
import { engineSuite } from "./suite.ts";

engineSuite({ name: "criu, lazy", make: () => makeCriuBench("lazy"), skip: {} });

engineSuite({
  name: "criu, eager",
  make: () => makeCriuBench("eager"),
  skip: { "the working set is recorded, and brought ahead": "all memory is there before a clone runs" },
});
