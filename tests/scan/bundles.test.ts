/**
 * Single files that webpack 5.101 made of some pairs and fixtures (tests/scan/recall/main.ts measures all of them with
 * more bundlers).
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { scan } from "@thaw/scan/scan";
import { noServer } from "./compile.ts";

const BUNDLES = join(import.meta.dirname, "bundles");

describe.for(readdirSync(BUNDLES))("%s", (bundler) => {
  it.for(readdirSync(join(BUNDLES, bundler)))("%s", async (rule, { expect }) => {
    const broken = await scan(join(BUNDLES, bundler, rule, "broken"), {}, noServer);
    expect(broken.findings.map((finding) => finding.rule)).toEqual([rule]);
    expect(broken.problems).toEqual([]);
    const fixed = await scan(join(BUNDLES, bundler, rule, "fixed"), {}, noServer);
    expect(fixed.findings).toEqual([]);
    expect(fixed.scanned.flatMap((unit) => unit.handlers)).toEqual(["index.handler"]);
  });
});
