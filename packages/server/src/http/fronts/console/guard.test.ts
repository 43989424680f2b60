import { expect, it } from "vitest";
import { denialOfPlace, denialOfSource, type GuardOptions } from "./guard.ts";

const OPTIONS: GuardOptions = {
  mode: "on",
  hostNames: ["thaw.example"],
  isTrustedProxy: (address) => address === "10.0.0.2",
};

function statusOf(
  remoteAddress: string,
  { hostName = "127.0.0.1", ...headers }: Readonly<Record<string, string>> = {},
  options: Partial<GuardOptions> = {},
): number | null {
  const head = { hostName, headers, connection: { protocol: "HTTP/1.1", remoteAddress } };
  return denialOfPlace(head, { ...OPTIONS, ...options })?.status ?? null;
}

it.each(["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])("hears this host itself: %s", (address) => {
  expect(statusOf(address)).toBeNull();
});

it("hears other hosts by TLS alone, or where the operator says so", () => {
  for (const address of ["10.0.0.1", "::ffff:10.0.0.1", "128.0.0.1", "fe80::1", ""]) {
    expect(statusOf(address)).toBe(403);
    expect(statusOf(address, { "x-forwarded-proto": "https" })).toBe(403);
    expect(statusOf(address, {}, { mode: "insecure" })).toBeNull();
  }
  expect(statusOf("10.0.0.2", { hostName: "thaw.example", "x-forwarded-proto": "https" })).toBeNull();
  expect(statusOf("10.0.0.2", { hostName: "thaw.example", "x-forwarded-proto": "http" })).toBe(403);
});

it("answers under known names, and not at all where it is off", () => {
  for (const hostName of ["localhost", "[::1]", "127.0.0.1", "thaw.example"])
    expect(statusOf("127.0.0.1", { hostName })).toBeNull();
  for (const hostName of ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "0.0.0.0", ""]) {
    expect(statusOf("127.0.0.1", { hostName })).toBe(421);
    expect(statusOf("127.0.0.1", { hostName }, { mode: "insecure" })).toBe(421);
  }
  expect(statusOf("127.0.0.1", {}, { mode: "off" })).toBe(404);
});

it("takes requests of its own page, and of what is no page", () => {
  const denied = (headers: Readonly<Record<string, string>>): boolean =>
    denialOfSource({
      hostName: "127.0.0.1",
      headers: { host: "127.0.0.1:9000", ...headers },
      connection: { protocol: "HTTP/1.1", remoteAddress: "127.0.0.1" },
    }) !== null;
  expect(denied({})).toBe(false);
  expect(denied({ "sec-fetch-site": "same-origin" })).toBe(false);
  expect(denied({ "sec-fetch-site": "same-origin", origin: "http://127.0.0.1:9000" })).toBe(false);
  expect(denied({ origin: "https://127.0.0.1:9000" })).toBe(false);
  expect(denied({ origin: "http://127.0.0.1:9001" })).toBe(true);
  expect(denied({ origin: "null" })).toBe(true);
  expect(denied({ "sec-fetch-site": "cross-site" })).toBe(true);
});
