import { expect, it } from "vitest";
import { readHead } from "../wire-head.ts";
import { addressOf } from "./host-address.ts";

const LABEL = "id.lambda-url.us-east-1";
const none = { region: "us-east-1", publicUrl: null, hasLocalNames: () => true };

it.for([
  ["127.0.0.1:9000", `http://${LABEL}.localhost:9000/`],
  ["localhost", `http://${LABEL}.localhost/`],
  ["[::1]:9000", `http://${LABEL}.localhost:9000/`],
  ["other.lambda-url.us-east-1.localhost:9000", `http://${LABEL}.localhost:9000/`],
  ["10.0.0.5:9000", "http://10.0.0.5:9000/_thaw/url/id/"],
  ["thaw.internal", "http://thaw.internal/_thaw/url/id/"],
] as const)("for a client of %s is %s", ([host, address]) => {
  expect(addressOf("lambda-url", "id", readHead("GET", "/", { host }), none)).toBe(address);
});

it("is a path where this machine does not know names below localhost, and the operator's own where there is one", () => {
  const head = readHead("GET", "/", { host: "127.0.0.1:9000", "x-forwarded-proto": "https" });
  expect(addressOf("lambda-url", "id", head, { ...none, hasLocalNames: () => false })).toBe(
    "https://127.0.0.1:9000/_thaw/url/id/",
  );
  const publicUrl = new URL("https://fn.example.com:8443");
  expect(addressOf("lambda-url", "id", head, { ...none, publicUrl })).toBe(`https://${LABEL}.fn.example.com:8443/`);
});

it("an HTTP API has a name and a path of its own", () => {
  const at = (host: string): string => addressOf("execute-api", "id", readHead("GET", "/", { host }), none);
  expect(at("localhost:9000")).toBe("http://id.execute-api.us-east-1.localhost:9000/");
  expect(at("10.0.0.5:9000")).toBe("http://10.0.0.5:9000/_thaw/api/id/");
});
