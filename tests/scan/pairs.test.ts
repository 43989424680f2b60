/** Each deployable pair: the scanner finds the broken function by its rule and by no other, and nothing in its twin. */
import { afterAll, beforeAll, it } from "vitest";
import { RULES } from "@thaw/scan/rules";
import { scan } from "@thaw/scan/scan";
import { LANGUAGES, type Pair, PairPackages, PAIRS, type State, UNSEEN } from "../support/pairs.ts";
import { noServer } from "./compile.ts";

let packages: PairPackages | undefined;

beforeAll(() => {
  packages = new PairPackages();
});

afterAll(() => packages?.remove());

async function rulesIn(pair: Pair, state: State): Promise<string[]> {
  const { findings } = await scan((packages as PairPackages).built(pair, state), {}, noServer);
  return [...new Set(findings.map((finding) => finding.rule))];
}

it("has a pair for each rule in each language", ({ expect }) => {
  const wanted = LANGUAGES.flatMap((language) => RULES.map((rule) => `${language} ${rule.id}`));
  expect(PAIRS.map(({ language, rule }) => `${language} ${rule}`).sort()).toEqual(wanted.sort());
});

it.for(PAIRS.map((pair) => [`${pair.language}: ${pair.rule}`, pair] as const))("%s", async ([, pair], { expect }) => {
  expect(await rulesIn(pair, "broken")).toEqual([pair.rule]);
  expect(await rulesIn(pair, "fixed")).toEqual([]);
});

it.for(UNSEEN.map((pair) => [`${pair.language}: ${pair.rule}: ${pair.reason}`, pair] as const))(
  "finds what a check can't see: %s",
  async ([, pair], { expect }) => {
    expect(await rulesIn(pair, "broken")).toEqual([pair.rule]);
  },
);
