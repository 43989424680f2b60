import { expect, it } from "vitest";
import { readHead } from "../wire-head.ts";
import { sourceOf } from "./source.ts";

const isProxy = (address: string): boolean => address.startsWith("10.");

function source(remoteAddress: string, values: Readonly<Record<string, readonly string[]>>) {
  const head = readHead("GET", "/", {}, values, { protocol: "HTTP/1.1", remoteAddress });
  return sourceOf(head, isProxy);
}

it.for([
  ["10.0.0.1", ["1.1.1.1, 2.2.2.2"], "2.2.2.2"],
  ["::ffff:10.0.0.1", ["1.1.1.1", "2.2.2.2, 10.0.0.9"], "2.2.2.2"],
  ["10.0.0.1", ["10.0.0.2"], "10.0.0.1"],
  ["10.0.0.1", [], "10.0.0.1"],
  ["9.9.9.9", ["1.1.1.1"], "9.9.9.9"],
  ["::ffff:9.9.9.9", ["1.1.1.1"], "9.9.9.9"],
] as const)("behind %s with %j the client is %s", ([peer, chain, client]) => {
  expect(source(peer, { "x-forwarded-for": chain }).sourceIp).toBe(client);
});

it("takes scheme and port from a trusted proxy, else from the request", () => {
  const values = { host: ["h:8080"], "x-forwarded-proto": ["https"], "x-forwarded-port": ["8443"] };
  expect(source("10.0.0.1", values)).toMatchObject({ scheme: "https", port: "8443" });
  expect(source("9.9.9.9", values)).toMatchObject({ scheme: "http", port: "8080" });
  expect(source("9.9.9.9", {})).toMatchObject({ scheme: "http", port: "80" });
  expect(source("10.0.0.1", { "x-forwarded-proto": ["https"], "x-forwarded-port": ["x"] })).toMatchObject({
    scheme: "https",
    port: "443",
  });
});
