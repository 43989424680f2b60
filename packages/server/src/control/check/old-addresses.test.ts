import { expect, test } from "vitest";
import type { EnvironmentObservation } from "../../ports/worker.ts";
import { addressesOfInit } from "./old-addresses.ts";

interface Clone {
  readonly observed: EnvironmentObservation | null;
}

const clone = (sentDatagrams: number, ...peers: readonly string[]): Clone =>
  ({ observed: { sandbox: { sentDatagrams, peers } } }) as unknown as Clone;
const nothing = (): boolean => false;

test("an address that a clone reaches without a question to a name server is one of Init", () => {
  const clones = [clone(0, "192.0.2.1:443", "[2001:db8::1]:443"), clone(0, "192.0.2.1:80"), { observed: null }];
  expect(addressesOfInit(clones, nothing)).toEqual(["192.0.2.1", "2001:db8::1"]);
  expect(addressesOfInit([clone(1, "192.0.2.1:443")], nothing)).toEqual([]);
  expect(addressesOfInit(clones, (text) => text === "192.0.2.1")).toEqual(["2001:db8::1"]);
});

test("addresses that mean the host wherever they are called are none of Init", () => {
  const constants = ["169.254.169.254:80", "169.254.170.2:80", "[fe80::1]:80", "[fd00:ec2::254]:80"];
  expect(addressesOfInit([clone(0, ...constants, "169.253.1.1:80", "[fd00::1]:80")], nothing)).toEqual([
    "169.253.1.1",
    "fd00::1",
  ]);
});
