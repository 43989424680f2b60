// alone: looks at every address of the host
/**
 * What a function can reach: the outside, but neither the host, nor other sandboxes, nor the addresses at which clouds
 * hand out credentials.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { connects } from "../support/connects.ts";
import { TestFunctions } from "../support/functions.ts";
import { ownTable, tableHandles } from "../support/nft-tables.ts";
import { type Outcome, program, PROVIDED } from "./harness.ts";

/** A namespace that plays the outside: it has these addresses, and something listens on all of them. */
const OUTSIDE = `thaw-hostile-${process.pid}`;
const DEVICE = `hst${process.pid % 100_000}`;
const ALLOWED = "198.51.100.7";
/** AWS, Google, Azure and others; ECS tasks; EKS pods; Alibaba; Azure's host; Oracle. */
const METADATA = [
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
];
/** In a network that the operator has denied. */
const DENIED = "203.0.113.9";
const PORT = 8099;

let server: ThawServer;
let functions: TestFunctions;
let outside: ChildProcess;
let name: string;
/** A service on the host's loopback that the operator lets this function reach, as host.thaw.internal. */
const service = createServer((socket) => socket.on("error", () => undefined).end());
const HOST = "169.254.76.2";
let servicePort: number;

const ip = (...words: readonly string[]): string => execFileSync("ip", words, { encoding: "utf8" });

beforeAll(async () => {
  ip("netns", "add", OUTSIDE);
  ip("link", "add", DEVICE, "type", "veth", "peer", "name", "eth0", "netns", OUTSIDE);
  ip("addr", "add", "198.51.100.1/24", "dev", DEVICE);
  ip("link", "set", DEVICE, "up");
  const inside = ["netns", "exec", OUTSIDE, "ip"];
  ip(...inside, "addr", "add", `${ALLOWED}/24`, "dev", "eth0");
  ip(...inside, "link", "set", "eth0", "up");
  ip(...inside, "link", "set", "lo", "up");
  ip(...inside, "route", "add", "default", "via", "198.51.100.1");
  for (const address of METADATA) {
    ip(...inside, "addr", "add", `${address}/32`, "dev", "lo");
    ip("route", "add", `${address}/32`, "via", ALLOWED);
  }
  const script = `require("node:net").createServer((s) => s.on("error", () => {}).end("outside")).listen(${PORT}, "0.0.0.0", () => console.log("listening"))`;
  outside = spawn("ip", ["netns", "exec", OUTSIDE, process.execPath, "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (outside.stdout === null) throw new Error("no pipe");
  await once(outside.stdout, "data");
  ip(...inside, "addr", "add", `${DENIED}/32`, "dev", "lo");
  ip("route", "add", `${DENIED}/32`, "via", ALLOWED);
  service.listen(0, "127.0.0.1");
  await once(service, "listening");
  servicePort = (service.address() as { port: number }).port;
  const allowed = ["--allow-host", `test-1=127.0.0.1:${servicePort}`];
  server = await startThaw({ args: ["--network-deny", "203.0.113.0/24", ...allowed] });
  functions = new TestFunctions(server);
  name = await functions.createSnapStart({ bootstrap: program("network") }, PROVIDED);
  await functions.publish(name);
});

afterAll(async () => {
  outside?.kill("SIGKILL");
  await server?.remove();
  service.close();
  ip("link", "delete", DEVICE);
  ip("netns", "delete", OUTSIDE);
});

async function reached(addresses: ReadonlyArray<readonly [string, number]>, qualifier: string): Promise<unknown> {
  return ((await functions.invoke(name, { try: "connect", addresses }, qualifier)).payload as Outcome).got;
}

it.each(["$LATEST", "1"])("reaches the outside, but no metadata address (%s)", async (qualifier) => {
  const addresses = [ALLOWED, ...METADATA].map((address) => [address, PORT] as const);
  const found = await reached(addresses, qualifier);
  if (JSON.stringify(found) !== JSON.stringify([`${ALLOWED}:${PORT}`])) throw new Error(JSON.stringify(found));
});

it.each(["$LATEST", "1"])(
  "the service door is there, and hears nobody while no custom resource waits (%s)",
  async (qualifier) => {
    const found = await reached([[HOST, 443]], qualifier);
    if (JSON.stringify(found) !== JSON.stringify([`${HOST}:443`])) throw new Error(JSON.stringify(found));
    const outcome = (await functions.invoke(name, { try: "ask", address: [HOST, 443] }, qualifier)).payload as Outcome;
    if (outcome.got !== "") throw new Error(JSON.stringify(outcome));
  },
);

it.each(["$LATEST", "1"])("the service door is reached a few times in a second, not more (%s)", async (qualifier) => {
  const event = { try: "storm", address: [HOST, 443], count: 200, enough: 100 };
  const { got } = (await functions.invoke(name, event, qualifier)).payload as Outcome;
  const { taken, seconds } = got as { readonly taken: number; readonly seconds: number };
  // What a sandbox has saved up, and what comes in the time that it took.
  if (taken < 1 || taken > 10 + Math.ceil(5 * seconds)) throw new Error(JSON.stringify(got));
});

it("the host itself reaches them: the test above could fail", async ({ expect }) => {
  for (const address of METADATA) expect(await connects(address, PORT), address).toBe(true);
});

it.each(["$LATEST", "1"])("can't reach anything of the host, on none of its addresses (%s)", async (qualifier) => {
  const listening = await listenEverywhere();
  const datagrams: string[] = [];
  const udp = createSocket("udp4", (bytes) => datagrams.push(bytes.toString())).bind(listening.port, "0.0.0.0");
  try {
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const addresses = own
      .filter(({ internal, address }) => !internal && !address.startsWith("fe80"))
      .map(({ address }) => address);
    const serverPort = Number(new URL(server.endpoint).port);
    const targets = [...addresses, "127.0.0.1", "::1", HOST].flatMap((address) => [
      [address, listening.port] as const,
      [address, serverPort] as const,
    ]);
    // The one that it may reach has one name only.
    targets.push(...[...addresses, "127.0.0.1"].map((address) => [address, servicePort] as const));
    if (addresses.length < 2) throw new Error(`the host has hardly any address: ${addresses.join(" ")}`);
    const found = await reached(targets, qualifier);
    if (JSON.stringify(found) !== "[]") throw new Error(JSON.stringify(found));
    await functions.invoke(
      name,
      { try: "send_datagrams", addresses: targets.filter(([address]) => !address.includes(":")) },
      qualifier,
    );
    if (datagrams.length > 0) throw new Error("a datagram arrived");
  } finally {
    listening.server.close();
    udp.close();
  }
});

it("can't reach another sandbox, nor be reached by one", async () => {
  const open = functions.invoke(name, { try: "listen", port: 7070, seconds: 6 });
  await functions.eventually("two environments", async () =>
    (await functions.environments(name)).some((each) => each.state === "invoking"),
  );
  // Every address that a sandbox of this host may have now: those of the devices that are up, and their peers.
  const peers = ip("-o", "-4", "addr").matchAll(/100\.66\.(\d+)\.(\d+)\/30/g);
  const addresses = [...peers].map((match) => `100.66.${match[1]}.${(Number(match[2]) & ~3) + 2}`);
  if (addresses.length < 2) throw new Error(`no second sandbox: ${addresses.join(" ")}`);
  const found = await reached(
    [...addresses.slice(0, 400), "169.254.76.1"].map((address) => [address, 7070] as const),
    "$LATEST",
  );
  if (JSON.stringify(found) !== "[]") throw new Error(JSON.stringify(found));
  for (const address of addresses.slice(0, 40)) {
    // One that is gone by now is asked for outside, where anything may answer.
    const isSandbox = (): boolean => /dev thw/.test(ip("route", "get", address));
    if (isSandbox() && (await connects(address, 7070)) && isSandbox()) throw new Error(`the host reaches ${address}`);
  }
  const outcome = (await open).payload as Outcome;
  if (outcome.refused !== "ETIMEDOUT") throw new Error(JSON.stringify(outcome));
});

it.each(["$LATEST", "1"])("can't reach a network that the operator denies (%s)", async (qualifier) => {
  const found = await reached(
    [ALLOWED, DENIED].map((address) => [address, PORT] as const),
    qualifier,
  );
  if (JSON.stringify(found) !== JSON.stringify([`${ALLOWED}:${PORT}`])) throw new Error(JSON.stringify(found));
  if (!(await connects(DENIED, PORT))) throw new Error("the host itself does not reach it");
});

it.for(["$LATEST", "1"])(
  "what can't be reached refuses at once: nobody waits for it (%s)",
  async (qualifier, { expect }) => {
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const [address = ""] = own
      .filter(({ internal, family }) => !internal && family === "IPv4")
      .map((each) => each.address);
    const targets = [...METADATA, DENIED, address, HOST, "127.0.0.1"].map((each) => [each, PORT] as const);
    const event = { try: "refusals", addresses: targets, seconds: 8 };
    const { got } = (await functions.invoke(name, event, qualifier)).payload as Outcome;
    expect(got).toEqual(Object.fromEntries(targets.map(([each, port]) => [`${each}:${port}`, "ECONNREFUSED"])));
  },
);

it.each(["$LATEST", "1"])("can't fill the host's table of connections (%s)", async (qualifier) => {
  const count = (): number => Number(readFileSync("/proc/sys/net/netfilter/nf_conntrack_count", "utf8"));
  const most = Number(readFileSync("/proc/sys/net/netfilter/nf_conntrack_max", "utf8"));
  const before = count();
  const addresses = Array.from({ length: 12_000 }, (_, number) => [ALLOWED, 10_000 + number] as const);
  await functions.invoke(name, { try: "send_datagrams", addresses }, qualifier);
  const grown = count() - before;
  // Some of its connections and a neighbour's are beside those that it is allowed.
  if (grown > most / 200 + 500) throw new Error(`${grown} of ${most} entries`);
  if (grown < 100) throw new Error(`only ${grown}: nothing was sent`);
});

it("rules of the host that are flushed are missed by nobody, and put back", async ({ expect }) => {
  const table = ownTable(server.pid);
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const addresses = own.filter(({ internal, family }) => !internal && family === "IPv4").map(({ address }) => address);
  const listening = await listenEverywhere();
  try {
    for (const qualifier of ["$LATEST", "1"]) {
      execFileSync("nft", ["delete", "table", "inet", table]);
      const targets = [...addresses, "127.0.0.1", HOST, ...METADATA].map((each) => [each, listening.port] as const);
      expect(await reached(targets, qualifier), qualifier).toEqual([]);
      await functions.eventually("the rules are back", async () => tableHandles().has(table));
      const granted = [HOST, "127.0.0.1"].map((each) => [each, servicePort] as const);
      expect(await reached(granted, qualifier), qualifier).toEqual([`${HOST}:${servicePort}`]);
    }
    const { network } = (await (await functions.admin("GET", "host")).json()) as { network: unknown };
    expect(network).toMatchObject({ rulesRestored: 2, problem: null, denied: ["203.0.113.0/24"] });
    expect(network).toMatchObject({ hostPorts: [`test-1=127.0.0.1:${servicePort}`] });
  } finally {
    listening.server.close();
  }
});

async function listenEverywhere(): Promise<{ readonly server: Server; readonly port: number }> {
  const listener = createServer((socket) => socket.destroy());
  listener.listen(0, "::");
  await once(listener, "listening");
  return { server: listener, port: (listener.address() as { port: number }).port };
}
