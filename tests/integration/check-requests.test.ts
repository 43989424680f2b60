/**
 * thaw check on requests that functions send: what only a server outside gets is compared, where it is not encrypted.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pidOf } from "../../tools/thaw-server.ts";
import { CheckHarness, idsOf, node, type Options, python, PYTHON } from "../support/check-harness.ts";
import type { Files } from "../support/functions.ts";

const harness = new CheckHarness();
const { address } = harness.outside;

beforeAll(() => harness.open());
afterAll(() => harness.close());

/** Functions that answer nothing of what they send. */
const fetching = (init: string, request: string): Files =>
  node(`const sent = async (path, options) => { await (await fetch("http://${address}:8080" + path, options)).text(); };
${init}
export const handler = () => sent(${request});`);

const writingLines = (init: string, value: string): Files =>
  node(`import { connect } from "node:net";
${init}
export const handler = () => new Promise((resolve, reject) => {
  const socket = connect(8081, "${address}", () => socket.write("SET last " + ${value} + "\\r\\n"));
  socket.on("error", reject).once("data", () => resolve(void socket.destroy()));
});`);

/** A client that keeps its connection, with one header that every start makes alike, of the environment. */
const keepingConnection = (rest: string): Files =>
  node(`import http from "node:http";
const agent = new http.Agent({ keepAlive: true });
const service = "Basic " + Buffer.from(process.env.SERVICE).toString("base64");
const sent = (headers) => new Promise((resolve, reject) => {
  const request = http.request("http://${address}:8080/connection", { method: "POST", agent, headers: { ...headers, authorization: service } });
  request.on("response", (response) => response.resume().on("end", resolve)).on("error", reject).end("text");
});
${rest}`);

/** Over one connection, so that the invokes are told apart in it. */
const sendingNumbers = (generator: string): Files =>
  python(`import http.client, json, random
generator = ${generator}
connection = http.client.HTTPConnection("${address}", 8080)
def handler(event, context):
    connection.request("POST", "/draws", json.dumps({"value": generator.random()}), {"Content-Type": "application/json"})
    connection.getresponse().read()
`);

const CASES: ReadonlyArray<readonly [string, Options, readonly string[], Files, Files]> = [
  [
    "Node.js: an identifier made at Init",
    {},
    ["shared-value"],
    fetching("const id = crypto.randomUUID();", '"/", { headers: { "x-instance": id } }'),
    fetching("", '"/", { headers: { "x-instance": crypto.randomUUID() } }'),
  ],
  [
    "Node.js: a token in the headers of a client that keeps its connection",
    { Environment: { Variables: { SERVICE: "orders:zK3n9QxTf81LmWp2aB7r" } } },
    ["shared-value"],
    keepingConnection(`const token = crypto.randomUUID().replaceAll("-", "");
export const handler = () => sent({ "x-session": token });`),
    keepingConnection('export const handler = () => sent({ "x-session": crypto.randomUUID().replaceAll("-", "") });'),
  ],
  [
    "Node.js: the time of Init",
    {},
    ["old-time"],
    fetching("const since = new Date().toISOString();", '"/?since=" + since'),
    fetching("", '"/?since=" + new Date().toISOString()'),
  ],
  [
    "Node.js: an identifier in a protocol of lines",
    {},
    ["shared-value"],
    writingLines("const id = crypto.randomUUID();", "id"),
    writingLines("", "crypto.randomUUID()"),
  ],
  [
    "Python: a generator made at Init",
    PYTHON,
    ["repeated-draw"],
    sendingNumbers("random.Random()"),
    sendingNumbers("random.SystemRandom()"),
  ],
];

it.each(CASES)("%s", async (_name, options, found, broken, fixed) => {
  await harness.try({ options, found, broken, fixed }, expect);
});

it("says where values were, what was encrypted, and that there was more than it read", async () => {
  const target = await harness.publish(
    node(`import http from "node:http";
import https from "node:https";
const id = crypto.randomUUID();
const send = ({ request }, options, body) => new Promise((resolve, reject) => {
  const sent = request({ host: "${address}", agent: false, ...options }, (response) => response.resume().on("end", resolve));
  sent.on("error", reject).end(body);
});
export const handler = async ({ isPlain }) => {
  await send(https, { port: 8082, headers: { "x-instance": id }, rejectUnauthorized: false });
  await send(http, { port: 8080, method: "PUT" }, "x".repeat(100_000));
  if (isPlain) await send(http, { port: 8080, path: "/orders/" + id });
};`),
  );
  const sealed = await harness.check(target, { isPlain: false });
  expect(idsOf(sealed), JSON.stringify(sealed.findings)).toEqual([]);
  expect(sealed.network).toMatchObject({ requestsRead: 6, encryptedConnections: 6, unreadableConnections: 0 });
  const limits = sealed.limits.join("\n");
  expect(limits).toContain(`What was sent to ${address}:8082 was encrypted, and not seen.`);
  expect(limits).toContain("Only the beginning of what was sent was read");
  const plain = await harness.check(target, { isPlain: true });
  expect(idsOf(plain)).toEqual(["shared-value"]);
  expect(plain.findings[0]?.evidence[0]).toMatch(new RegExp(`^request to ${address}:8080, path: UUID [0-9a-f]{8}…`));
  await harness.functions.eventually("nothing is read any more", async () => packetSockets().length === 0);
});

/** Inodes of those that the server's sandboxd has: other tests check, too, and theirs are in the kernel's list. */
function packetSockets(): readonly string[] {
  const lines = readFileSync("/proc/net/packet", "utf8").split("\n").slice(1);
  const all = new Set(lines.map((line) => `socket:[${line.trim().split(/\s+/).at(-1)}]`));
  const files = `/proc/${pidOf(harness.functions.server.pid, "sandboxd")}/fd`;
  const linkOf = (fd: string): string => {
    try {
      return readlinkSync(join(files, fd));
    } catch (error) {
      // It was closed meanwhile.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
  };
  return readdirSync(files)
    .map(linkOf)
    .filter((link) => all.has(link));
}
