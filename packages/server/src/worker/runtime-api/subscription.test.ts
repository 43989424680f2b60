import { describe, it } from "vitest";
import { checkSubscription, readSubscription, toDocument } from "./subscription.ts";

const GOOD = {
  schemaVersion: "2022-12-13",
  types: ["function", "platform"],
  destination: { protocol: "HTTP", URI: "http://sandbox.localdomain:4243/a?b=c" },
};

describe("a subscription", () => {
  it("has AWS's defaults", ({ expect }) => {
    expect(checkSubscription("telemetry", GOOD)).toEqual({
      api: "telemetry",
      schemaVersion: "2022-12-13",
      types: ["platform", "function"],
      destination: { protocol: "HTTP", port: 4243, path: "/a?b=c", method: "POST" },
      buffering: { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1000 },
    });
  });

  it("reads what it wrote", ({ expect }) => {
    for (const destination of [GOOD.destination, { protocol: "TCP", port: 65_535 }]) {
      const read = checkSubscription("logs", { ...GOOD, schemaVersion: "2021-03-18", destination });
      if (typeof read === "string") throw new Error(read);
      expect(checkSubscription("logs", toDocument(read))).toEqual(read);
    }
  });

  it("takes the Logs API's own members there only", ({ expect }) => {
    const destination = { ...GOOD.destination, method: "PUT", encoding: "JSON" };
    const { schemaVersion: _version, ...bare } = GOOD;
    expect(checkSubscription("logs", { ...bare, destination })).toMatchObject({
      schemaVersion: "2020-08-15",
      destination: { method: "PUT" },
    });
    expect(checkSubscription("telemetry", { ...GOOD, destination })).toMatchObject({ destination: { method: "POST" } });
  });

  it.for([
    ["schemaVersion is not provided", { schemaVersion: undefined }],
    ["schemaVersion should be one of 2022-07-01, 2022-12-13, 2025-01-29", { schemaVersion: "2020-08-15" }],
    ["types should not be empty", { types: [] }],
    ["types should be of platform, function, extension", { types: ["no"] }],
    ["destination is not provided", { destination: undefined }],
    ["protocol should be HTTP or TCP", { destination: { protocol: "UDP" } }],
    ["port is not provided", { destination: { protocol: "TCP" } }],
    ["port should be between 1 and 65535, and not 9001", { destination: { protocol: "TCP", port: 9001 } }],
    ["URI is not provided", { destination: { protocol: "HTTP" } }],
    ["URI is not valid", { destination: { protocol: "HTTP", URI: "no" } }],
    ["URI port is not provided", { destination: { protocol: "HTTP", URI: "http://sandbox" } }],
    [
      "URI host should be sandbox.localdomain or sandbox",
      { destination: { protocol: "HTTP", URI: "http://169.254.169.254:80" } },
    ],
    ["buffering.maxItems should be between 1000 and 10000", { buffering: { maxItems: 999 } }],
    ["buffering.maxBytes should be between 262144 and 1048576", { buffering: { maxBytes: 1_048_577 } }],
    ["buffering.timeoutMs should be between 25 and 30000", { buffering: { timeoutMs: 24.5 } }],
  ] as const)("%s", ([problem, change], { expect }) => {
    const told = checkSubscription("telemetry", { ...GOOD, ...change });
    expect(typeof told === "string" && told.includes(problem), String(told)).toBe(true);
  });

  it("is JSON", ({ expect }) => {
    expect(readSubscription("telemetry", Buffer.from("{"))).toBe("the request body is not valid JSON");
    expect(readSubscription("telemetry", Buffer.from("[]"))).toBe("the request body is not a JSON object");
  });
});
