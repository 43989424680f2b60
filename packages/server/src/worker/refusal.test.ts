import { expect, it } from "vitest";
import { toRefusal } from "./refusal.ts";

it("tells hooks that took too long from a snapshot that did not come", () => {
  expect(toRefusal({ kind: "timeout" })).toMatchObject({ kind: "restore-timeout", hasRun: true });
  expect(toRefusal({ kind: "platform", code: "SANDBOX_RESTORE_TIMEOUT", message: "" })).toMatchObject({
    kind: "restore-timeout",
    hasRun: false,
  });
});
