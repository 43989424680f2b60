import { expect, it } from "vitest";
import { readHostError } from "./errors.ts";

it("keeps a code of the table", () => {
  const error = readHostError({ code: "SANDBOX_DISK_FULL", message: "write: no space" });
  expect(error).toMatchObject({ code: "SANDBOX_DISK_FULL", publicMessage: "The host's disk is full." });
  expect(error.detail).toEqual({ hostMessage: "write: no space" });
});

it("passes on what a function holds that can't be saved, and keeps the rest for the log", () => {
  const message = "The execution environment could not be saved: it holds a pipe. Close it.\ncriu: Error";
  const error = readHostError({ code: "SANDBOX_SNAPSHOT_REFUSED", message });
  expect(error.publicMessage).toBe("The execution environment could not be saved: it holds a pipe. Close it.");
  expect(error.detail).toEqual({ hostMessage: message });
});

it.each(["SANDBOX_NEWER", "KMS_DISABLED", "toString", ""])("takes %j for a failure and keeps the text", (code) => {
  const error = readHostError({ code, message: "why" });
  expect(error.code).toBe("SANDBOX_FAILED");
  expect(error.detail).toEqual({ hostMessage: `${code}: why` });
});
