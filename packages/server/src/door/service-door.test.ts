import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KeyedCertificate } from "../base/certificates.ts";
import { systemClock } from "../base/clock.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { loadAuthority } from "./authority.ts";
import { DOOR_HOST, ListeningDoor } from "./service-door.ts";

let directory = "";
let authority: KeyedCertificate;
let door: ListeningDoor;
/** Of connections; certificates have the time of the host. */
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock(systemClock.nowMs());
  directory = mkdtempSync(join(tmpdir(), "service-door-test-"));
  authority = await loadAuthority(directory, systemClock.nowMs());
  door = await listen();
});

afterEach(() => {
  door.close();
  rmSync(directory, { recursive: true });
});

function listen(): Promise<ListeningDoor> {
  return ListeningDoor.listen({ authority, secret: Buffer.alloc(32, 7), clock });
}

/** Sends as a function does, which trusts the installation's certificate and nothing else. */
async function send(url: string, body: string, method = "PUT"): Promise<number | undefined> {
  const { pathname } = new URL(url);
  const request = httpsRequest({
    method,
    host: "127.0.0.1",
    port: door.port,
    path: `${pathname}?X-Amz-Signature=none`,
    servername: DOOR_HOST,
    ca: authority.certificate,
    headers: { "content-type": "", "content-length": Buffer.byteLength(body) },
  });
  request.end(body);
  const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
  response.resume();
  return response.statusCode;
}

describe("an address", () => {
  test("takes one answer, over TLS that the installation's authority signs", async () => {
    const { url, answer } = door.open("a");
    expect(url).toMatch(/^https:\/\/host\.thaw\.internal\/answers\/[0-9a-f]{64}$/);
    expect(await send(url, '{"Status":"SUCCESS"}')).toBe(200);
    expect((await answer).toString()).toBe('{"Status":"SUCCESS"}');
    expect(await send(url, "another")).toBe(200);
    expect((await answer).toString()).toBe('{"Status":"SUCCESS"}');
  });

  test("is the same after a restart, and another for another key", async () => {
    const { url } = door.open("a");
    expect(door.open("b").url).not.toBe(url);
    door.close();
    door = await listen();
    expect(door.open("a").url).toBe(url);
  });

  test("that is closed, or was never open, answers 403", async () => {
    const closed = door.open("a");
    closed.close();
    door.open("b");
    expect(await send(closed.url, "x")).toBe(403);
    expect(await send(`https://${DOOR_HOST}/answers/`, "x")).toBe(403);
    expect(await send(`https://${DOOR_HOST}/2015-03-31/functions/`, "", "GET")).toBe(403);
  });

  test("keeps no more of a long answer than shows that it is too long", async () => {
    const { url, answer } = door.open("a");
    await send(url, "x".repeat(100_000)).catch(() => undefined);
    expect(await answer).toHaveLength(4097);
  });
});

test("nobody is heard while no address is open", async () => {
  const socket = connect(door.port, "127.0.0.1");
  await once(socket, "close");
  door.open("a").close();
  const again = connect(door.port, "127.0.0.1");
  await once(again, "close");
  expect(again.bytesRead).toBe(0);
});

describe("connections that say nothing", () => {
  async function connected(): Promise<Socket> {
    const socket = connect(door.port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  }

  async function secured(text: string): Promise<Socket> {
    const { port } = door;
    const socket = connectTls({ port, host: "127.0.0.1", servername: DOOR_HOST, ca: authority.certificate });
    await once(socket, "secureConnect");
    socket.write(text);
    return socket;
  }

  test("take the door from nobody, however many they are", async () => {
    const { url, answer } = door.open("a");
    const held: Socket[] = [];
    for (let count = 0; count < 100; count++) held.push(await connected());
    expect(await send(url, "x")).toBe(200);
    expect((await answer).toString()).toBe("x");
    await expect.poll(() => held.filter(({ destroyed }) => !destroyed).length).toBe(63);
    for (const socket of held) socket.destroy();
  });

  test.each([
    ["before TLS", connected],
    ["in the middle of a head", () => secured("PUT /answers/x HTTP/1.1\r\nX: ")],
    [
      "in the middle of an answer",
      () => secured(`PUT ${new URL(door.open("a").url).pathname} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx`),
    ],
  ])("end with their time: %s", async (_, begin) => {
    door.open("b");
    const socket = await begin();
    const closed = once(socket.resume(), "close");
    await expect.poll(() => clock.timerCount).toBe(1);
    await clock.advance(30_000);
    await closed;
  });
});

describe("the authority", () => {
  test("stays, and is the server's own", async () => {
    expect(await loadAuthority(directory, systemClock.nowMs())).toEqual(authority);
    expect(statSync(join(directory, "door", "authority.pem")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, "door", "authority.pem"), "utf8")).toContain("PRIVATE KEY");
  });

  test("that is broken is refused with its path", async () => {
    writeFileSync(join(directory, "door", "authority.pem"), "rubbish");
    await expect(loadAuthority(directory, systemClock.nowMs())).rejects.toThrow(
      "authority.pem has no key and certificate",
    );
  });
});
