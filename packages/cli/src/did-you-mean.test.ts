/** What is said of names that are not there: of commands and options by the command itself. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { it } from "vitest";
import { didYouMean, orNear } from "./did-you-mean.ts";

const CLI = join(import.meta.dirname, "../bin/thaw.mjs");
const NAMES = ["orders", "order-lines", "live", "python3.13", "python3.14", "$LATEST", "help"];

it("finds the nearest names, and none where nothing is near", ({ expect }) => {
  expect(didYouMean("ordrs", NAMES)).toBe("Did you mean orders?");
  expect(didYouMean("liv", NAMES)).toBe("Did you mean live?");
  expect(didYouMean("pyton3.13", NAMES)).toBe("Did you mean python3.13?");
  expect(didYouMean("python3.15", NAMES)).toBe("Did you mean one of python3.13, python3.14?");
  expect(didYouMean("$LATST", NAMES)).toBe("Did you mean $LATEST?");
  expect(orNear("ordrs", [...NAMES, ...NAMES])).toBe(". Did you mean orders?");
  for (const word of ["entirely-else", "--orders", "-h", "", "x".repeat(300)])
    expect(didYouMean(word, NAMES)).toBeNull();
  expect(didYouMean("orders", [])).toBeNull();
});

it.for([
  [["invok", "x"], "(Did you mean invoke?)"],
  [["help", "invok"], "(Did you mean invoke?)"],
  [["invoke", "--paylod", "{}", "x"], "(Did you mean --payload?)"],
  [["logs", "x", "--folow"], "(Did you mean --follow?)"],
  [["init", "--runtime", "pyton"], "Did you mean python?"],
  [["invocations", "--outcome", "succes"], "Did you mean success?"],
  [["runtimes", "install", "pyton3.13"], "Did you mean python3.13?"],
  [["images", "base", "nodejs4", "x.tar"], "Did you mean nodejs24?"],
  [["serve", "--lisen", "x"], "Did you mean --listen?"],
] as const)("says it of %j", { timeout: 60_000 }, ([args, said], { expect }) => {
  const ran = spawnSync(process.execPath, [CLI, ...args], { encoding: "utf8", input: "" });
  expect(ran.status).not.toBe(0);
  expect(ran.stderr).toContain(said);
});
