import { expect, it } from "vitest";
import { grantablePorts, hostPorts, listPorts } from "./host-ports.ts";

const read = (...lines: readonly string[]) => hostPorts.parse("--allow-host", lines.join("\n"), null);

it("reads ports for all functions and for one", () => {
  const ports = read("127.0.0.1:8000", "localhost:5432", "orders=127.0.0.1:6379", "users=127.0.0.1:6379");
  expect(ports.forAll).toEqual(["127.0.0.1:8000", "127.0.0.1:5432"]);
  expect([...ports.byFunction]).toEqual([
    ["orders", ["127.0.0.1:6379"]],
    ["users", ["127.0.0.1:6379"]],
  ]);
  expect(grantablePorts(ports)).toEqual(["127.0.0.1:6379"]);
  expect(listPorts(ports)).toContain("orders=127.0.0.1:6379");
  expect(read()).toEqual({ forAll: [], byFunction: new Map() });
});

it.each([
  ["8000", "expected an IPv4 address of this host and a port"],
  ["127.0.0.1", "expected an IPv4 address of this host and a port"],
  ["127.0.0.1:0", "expected an IPv4 address of this host and a port"],
  ["127.0.0.1:65536", "expected an IPv4 address of this host and a port"],
  ["0.0.0.0:80", "expected an IPv4 address of this host and a port"],
  ["[::1]:80", "expected an IPv4 address of this host and a port"],
  ["db.example:80", "expected an IPv4 address of this host and a port"],
  ["127.0.0.1:80,127.0.0.1:81", "expected an IPv4 address of this host and a port"],
  ["a b=127.0.0.1:80", "a b is not the name of a function"],
  ["=127.0.0.1:80", " is not the name of a function"],
])("refuses %s", (line, message) => {
  expect(() => read(line)).toThrow(message);
});

it("refuses two services that would be one to a function", () => {
  expect(() => read("127.0.0.1:80", "127.0.0.2:80")).toThrow("127.0.0.1:80 and 127.0.0.2:80 are one port");
  expect(() => read("127.0.0.1:80", "f=127.0.0.2:80")).toThrow("are one port to a function");
  expect(() => read("127.0.0.1:80", "127.0.0.1:80")).toThrow("are one port to a function");
  expect(read("f=127.0.0.1:80", "g=127.0.0.2:80").byFunction.size).toBe(2);
});
