/** Errors as a person reads them: each names the next command where there is one. */
import { describe, it } from "vitest";
import { CommandError } from "@thaw/installation/command-error";
import { RefusedError } from "./connection.ts";
import { describeError } from "./errors.ts";

const ENDPOINT = "http://127.0.0.1:9000";
const said = (error: unknown): string => describeError(error, () => ENDPOINT);
const withCode = (code: string): Error => Object.assign(new Error("connect"), { code });
const named = (name: string): Error => Object.assign(new Error("it says why"), { name });

describe("an error", () => {
  it.for([
    ["of ours", new CommandError("a sentence"), "a sentence"],
    ["of a closed port", withCode("ECONNREFUSED"), `no server answers at ${ENDPOINT}. Start one: npx thaw serve`],
    [
      "of a closed port on two addresses",
      Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }),
      `no server answers at ${ENDPOINT}. Start one: npx thaw serve`,
    ],
    [
      "of fetch",
      new TypeError("fetch failed", { cause: withCode("ECONNREFUSED") }),
      `no server answers at ${ENDPOINT}. Start one: npx thaw serve`,
    ],
    [
      "of a name that is not there",
      withCode("ENOTFOUND"),
      `the server at ${ENDPOINT} can't be reached (ENOTFOUND). What is wrong: npx thaw doctor; THAW_ENDPOINT names another one`,
    ],
    [
      "of a function that is not there",
      named("ResourceNotFoundException"),
      "ResourceNotFoundException: it says why\nFunctions that are there: npx thaw top",
    ],
    [
      "of a function that Thaw's own API does not find",
      new RefusedError(404, "Function not found: arn"),
      "Function not found: arn\nFunctions that are there: npx thaw top",
    ],
    [
      "of a snapshot that is not there",
      new RefusedError(404, "Snapshot not found: snap-1"),
      "Snapshot not found: snap-1\nSnapshots that are there: npx thaw snapshots ls",
    ],
    ["of a refusal", new RefusedError(400, "Function not found: arn"), "Function not found: arn"],
    [
      "of an answer that did not come",
      named("AbortError"),
      `the server at ${ENDPOINT} does not answer. What is wrong: npx thaw doctor`,
    ],
    ["of which nothing more is known", named("TooManyRequestsException"), "TooManyRequestsException: it says why"],
    ["that is none", "text", "text"],
  ] as const)("%s", ([, error, text], { expect }) => {
    expect(said(error)).toBe(text);
  });
});
