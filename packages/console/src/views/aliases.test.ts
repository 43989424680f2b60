import { expect, it } from "vitest";
import { aliasInWords, weightOf } from "./aliases.ts";

it("says where an alias leads", () => {
  expect(aliasInWords({ Name: "live", FunctionVersion: "3" })).toBe("live → 3");
});

it("says what part of its invokes each version gets", () => {
  const alias = {
    Name: "live",
    FunctionVersion: "3",
    RoutingConfig: { AdditionalVersionWeights: { 4: 0.125, 5: 0.1 } },
  };
  expect(aliasInWords(alias)).toBe("live → 3 (77.5 %), 4 (12.5 %), 5 (10 %)");
  expect(weightOf(alias, "6")).toBe(0);
});
