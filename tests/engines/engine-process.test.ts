import { makeProcessBench } from "./benches.ts";
import { engineSuite, skipSnapshots } from "./suite.ts";

engineSuite({
  name: "process",
  make: makeProcessBench,
  skip: skipSnapshots("it takes no snapshots: every environment has an Init of its own"),
});
