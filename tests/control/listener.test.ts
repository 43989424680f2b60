/** The listener: what a client without credentials can make it hold, what it takes of a body, how it sends streams. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FakeClock } from "@thaw/server/testing/fakes";
import { type HttpServerOptions, PIPELINED_MAX } from "@thaw/server/testing/http";
import type { ControlPlane } from "@thaw/server/testing/control";
import { HttpHarness, type RawConnection } from "./http-harness.ts";
import { openTestObjects } from "./test-objects.ts";

const MIB = 2 ** 20;
/** What is waited for comes at once; a loaded machine may take its time. */
const SOON = { timeout: 15_000, interval: 20 };
const FUNCTIONS = { a: { handle: () => "1" } };

const start = (
  limits: HttpServerOptions["limits"] = {},
  replace?: (control: ControlPlane) => ControlPlane,
): Promise<HttpHarness> => HttpHarness.start({ functions: FUNCTIONS }, { limits }, replace);

/** A harness whose objects are files of a directory. */
async function startWithObjects(limits: HttpServerOptions["limits"] = {}): Promise<[HttpHarness, string]> {
  const { objects, dir } = openTestObjects();
  return [await HttpHarness.start({ functions: FUNCTIONS, services: { objects } }, { limits }), join(dir, "objects")];
}

const objectFiles = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

describe("the head alone decides", () => {
  const target = "/_thaw/v1/objects/bucket/key";
  const cases: ReadonlyArray<readonly [string, (harness: HttpHarness) => Record<string, string>, string]> = [
    ["no signature", (harness) => ({ host: harness.host }), "403 Forbidden"],
    [
      "an unknown key",
      (harness) => {
        const headers = harness.signed("PUT", target, Buffer.alloc(0));
        return { ...headers, authorization: (headers["authorization"] ?? "").replace("AKIATEST", "AKIAOTHER") };
      },
      "403 Forbidden",
    ],
    [
      "another service",
      (harness) => {
        const headers = harness.signed("PUT", target, Buffer.alloc(0));
        return { ...headers, authorization: (headers["authorization"] ?? "").replace("/lambda/", "/s3/") };
      },
      "403 Forbidden",
    ],
    [
      "a date that is not signed for",
      (harness) => ({ ...harness.signed("PUT", target, Buffer.alloc(0)), "x-amz-date": "20200101T000000Z" }),
      "403 Forbidden",
    ],
    ["no route", (harness) => harness.signed("PUT", "/_thaw/v1/none", Buffer.alloc(0)), "404 Not Found"],
  ];

  test.for(cases)("%s: answered while all of the body is still to come", async ([name, headersOf, status]) => {
    await using harness = await start();
    const connection = await harness.open();
    const path = name === "no route" ? "/_thaw/v1/none" : target;
    connection.send("PUT", path, { ...headersOf(harness), "content-length": 240_000_000 });
    expect(await connection.head()).toContain(`HTTP/1.1 ${status}`);
    connection.socket.destroy();
  });

  test("a refused client that goes on sending is cut off, and one that has finished keeps its connection", async () => {
    await using harness = await start();
    const endless = await harness.open();
    endless.send("PUT", target, { host: harness.host, "content-length": 10 ** 12 });
    expect(await endless.head()).toContain("403");
    const chunk = Buffer.alloc(MIB);
    const goOn = (): void => {
      while (!endless.socket.destroyed && endless.socket.write(chunk));
    };
    endless.socket.on("drain", goOn);
    goOn();
    await endless.closed();
    const short = await harness.open();
    short.send("PUT", target, { host: harness.host, "content-length": 5 }, Buffer.from("hello"));
    expect(await short.head()).toContain("403");
    short.send("GET", "/_thaw/v1/health", { host: harness.host });
    expect(await short.head()).toContain("HTTP/1.1 200");
    expect(short.socket.destroyed).toBe(false);
    short.socket.destroy();
  });
});

test("of many refused clients that go on sending only some are read on, the others are cut off", async () => {
  // Its time does not pass: nobody is cut off for being slow.
  await using harness = await HttpHarness.start({ functions: FUNCTIONS }, { clock: new FakeClock() });
  const clients: RawConnection[] = [];
  for (let count = 0; count < 20; count++) {
    const client = await harness.open();
    clients.push(client);
    client.socket.resume();
    client.send(
      "PUT",
      "/_thaw/v1/objects/bucket/key",
      { host: harness.host, "content-length": 10 ** 12 },
      Buffer.alloc(MIB),
    );
  }
  await expect.poll(() => clients.filter(({ socket }) => socket.destroyed).length, SOON).toBe(12);
  for (const { socket } of clients) socket.destroy();
});

describe("limits of bodies", () => {
  const invoke = "/2015-03-31/functions/f/invocations";
  const cases = [
    ["POST", invoke, 6 * MIB, "Request must be smaller than 6291456 bytes for the InvokeFunction operation"],
    [
      "POST",
      "/2015-03-31/functions",
      70 * MIB,
      "Request must be smaller than 70167211 bytes for the CreateFunction operation",
    ],
    [
      "POST",
      "/2015-03-31/functions/f/versions",
      6 * MIB,
      "Request must be smaller than 6291456 bytes for the PublishVersion operation",
    ],
    ["POST", "/_thaw/v1/keys/create", 64 * 1024, "The body of POST keys/create must be no larger than 65536 bytes."],
    ["PUT", "/_thaw/v1/objects/bucket/key", 262_144_000, "must be no larger than 262144000 bytes"],
    ["GET", "/_thaw/v1/host", 0, "The body of GET host must be no larger than 0 bytes."],
  ] as const;

  test.for(cases)("%s %s takes %d bytes and no more", async ([method, target, bytesMax, message]) => {
    await using harness = await start();
    const connection = await harness.open();
    const headers = harness.signed(method, target, Buffer.alloc(0));
    connection.send(method, target, { ...headers, connection: "close", "content-length": bytesMax + 1 });
    let text = "";
    connection.socket.on("data", (bytes) => (text += String(bytes)));
    expect(await connection.head()).toContain("HTTP/1.1 413");
    connection.socket.end();
    await connection.closed();
    expect(text).toContain(message);
  });

  test("an announced length is not needed to be refused", async () => {
    await using harness = await start();
    const connection = await harness.open();
    const target = "/_thaw/v1/keys/create";
    connection.send("POST", target, {
      ...harness.signed("POST", target, Buffer.alloc(0)),
      "transfer-encoding": "chunked",
    });
    connection.socket.write(`${(65_537).toString(16)}\r\n`);
    connection.socket.write(Buffer.alloc(65_537));
    expect(await connection.head()).toContain("HTTP/1.1 413");
    connection.socket.destroy();
  });

  test("a body of just the limit passes", async () => {
    await using harness = await start();
    const body = Buffer.from(`{"arn":"${" ".repeat(64 * 1024 - 10)}"}`);
    expect(body.length).toBe(64 * 1024);
    expect((await harness.thaw("POST", "keys/create", body)).status).toBe(200);
  });

  test("bodies of all requests have a budget; it is free again when they have gone", async () => {
    await using harness = await start({ bodyBytesMax: 2 * MIB });
    const body = Buffer.from(`"${"a".repeat(MIB)}"`);
    const target = "/2015-03-31/functions/f/invocations";
    const headers = { ...harness.signed("POST", target, body), "content-length": body.length };
    /** A request that waits for its last byte; the server has begun to read it when it says "go on". */
    const begin = async (): Promise<RawConnection> => {
      const connection = await harness.open();
      connection.send("POST", target, { ...headers, expect: "100-continue" });
      expect(await connection.head()).toContain("100 Continue");
      connection.socket.write(body.subarray(0, -1));
      return connection;
    };
    const status = async (): Promise<number> => (await harness.fetch("POST", target, body)).status;
    const first = await begin();
    const refused = await harness.fetch("POST", target, body);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ message: expect.stringContaining("on their way") });
    first.socket.write(body.subarray(-1));
    expect(await first.head()).toContain("404");
    expect(await status()).toBe(404);
    // One that is cut off gives its part back, too.
    const cut = await begin();
    expect(await status()).toBe(429);
    cut.socket.destroy();
    await expect.poll(status, SOON).toBe(404);
    expect(harness.problems).toEqual([]);
  });
});

describe("slow clients", () => {
  test("a body that stands still is cut off", async () => {
    await using harness = await start({ bodyIdleMs: 100 });
    const target = "/2015-03-31/functions/f/invocations";
    const connection = await harness.open();
    const headers = harness.signed("POST", target, Buffer.from("{}"));
    connection.send("POST", target, { ...headers, "content-length": 2 }, Buffer.from("{"));
    await connection.closed();
    const [fine] = [await harness.fetch("POST", target, Buffer.from("{}"))];
    expect(fine?.status).toBe(404);
    expect(harness.problems).toEqual([]);
  });

  test("a head that does not come, or not all of it, is cut off", async () => {
    await using harness = await start({ headersMs: 200 });
    const silent = await harness.open();
    const half = await harness.open();
    half.socket.write("GET /_thaw/v1/health HTTP/1.1\r\nHost:");
    silent.socket.resume();
    half.socket.resume();
    await Promise.all([silent.closed(), half.closed()]);
  });

  test.for([
    ["GET / HTTP/9\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nX: \u0000\r\n\r\n", 400],
    ["\u0016\u0003\u0001", 400],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  ] as const)("what is no request of HTTP is refused as others are: %#", async ([text, status]) => {
    await using harness = await start();
    const connection = await harness.open();
    connection.socket.write(text);
    const head = await connection.head();
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain("X-Amzn-ErrorType: InvalidRequestContentException");
    expect(head).toMatch(/x-amzn-RequestId: \S+/);
    await connection.closed();
  });

  test("a flood of heads in one piece costs the flooder its connections, and no one else a turn", async () => {
    await using harness = await start();
    const floods = await Promise.all(Array.from({ length: 20 }, () => harness.open()));
    let answers = 0;
    for (const { socket } of floods)
      socket.on("data", (bytes: Buffer) => (answers += bytes.toString().split("HTTP/1.1 ").length - 1));
    const heads = "GET /2015-03-31/functions HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2000);
    for (const { socket } of floods) socket.write(heads);
    expect((await harness.fetch("GET", "/2015-03-31/functions")).status).toBe(200);
    await Promise.all(floods.map((flood) => flood.closed()));
    expect(answers).toBeLessThanOrEqual(floods.length * PIPELINED_MAX);
    expect(harness.problems).toEqual([]);
  });

  test("a few requests that overlap on a connection are answered in their order", async () => {
    await using harness = await start();
    const connection = await harness.open();
    const paths = ["/_thaw/v1/health", "/none", "/_thaw/v1/health"];
    let text = "";
    connection.socket.on("data", (bytes) => (text += String(bytes)));
    connection.socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: ${harness.host}\r\n\r\n`).join(""));
    const statuses = (): unknown => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    await expect.poll(statuses, SOON).toEqual(["200", "403", "200"]);
    expect(connection.socket.destroyed).toBe(false);
    connection.socket.destroy();
  });

  test("connections have a maximum", async () => {
    await using harness = await start({ connectionsMax: 2, headersMs: 60_000 });
    const kept = [await harness.open(), await harness.open()];
    for (const connection of kept) {
      connection.send("GET", "/_thaw/v1/health", { host: harness.host });
      expect(await connection.head()).toContain("200");
    }
    const third = await harness.open();
    third.socket.resume();
    await third.closed();
    kept[0]?.socket.destroy();
    await expect
      .poll(
        () =>
          fetch(`http://${harness.host}/_thaw/v1/health`).then(
            ({ status }) => status,
            () => 0,
          ),
        SOON,
      )
      .toBe(200);
    kept[1]?.socket.destroy();
  });
});

describe("objects", () => {
  const path = "objects/my-bucket/some/key.zip";

  test("are streamed: one that is larger than what all bodies may hold is stored", async () => {
    const [harness, dir] = await startWithObjects({ bodyBytesMax: MIB });
    await using _ = harness;
    const answer = await harness.thaw("PUT", path, Buffer.alloc(8 * MIB, "x"));
    expect(answer).toMatchObject({ status: 200, text: `{"sizeBytes":${8 * MIB}}\n` });
    expect(objectFiles(dir)).toHaveLength(1);
  });

  test("leave nothing behind where the body is not the signed one, is cut off, or has a wrong bucket", async () => {
    const [harness, dir] = await startWithObjects();
    await using _ = harness;
    const target = `/_thaw/v1/${path}`;
    const forged = await harness.open();
    const headers = { ...harness.signed("PUT", target, Buffer.alloc(MIB, "x")), "content-length": MIB };
    forged.send("PUT", target, headers, Buffer.alloc(MIB, "y"));
    expect(await forged.head()).toContain("HTTP/1.1 403");
    const cut = await harness.open();
    cut.send("PUT", target, headers, Buffer.alloc(MIB / 2, "x"));
    await expect.poll(() => objectFiles(dir), SOON).toHaveLength(1);
    cut.socket.destroy();
    await expect.poll(() => objectFiles(dir), SOON).toEqual([]);
    expect(await harness.thaw("PUT", "objects/NO/key", Buffer.alloc(MIB))).toMatchObject({
      status: 400,
      message: "NO is not a bucket name",
    });
    expect(objectFiles(dir)).toEqual([]);
    expect(harness.problems).toEqual([]);
    forged.socket.destroy();
  });
});

describe("what was not signed is not used", () => {
  const list = "/2015-03-31/functions/";

  test("a query behind a second ?", async () => {
    await using harness = await start();
    for (const name of ["one", "two"]) await harness.control.create(name, "a", { snapStart: false });
    const headers = harness.signed("GET", list, Buffer.alloc(0));
    const get = async (target: string): Promise<number> =>
      (await fetch(`http://${harness.host}${target}`, { headers })).status;
    expect(await get(list)).toBe(200);
    for (const added of ["?MaxItems=1", "??MaxItems=1", "?&MaxItems=1", "??"])
      expect(await get(list + added)).toBe(403);
    // Signed, it is data: a parameter of another name.
    const odd = await harness.fetch("GET", `${list}??MaxItems=1`);
    expect(((await odd.json()) as { Functions: unknown[] }).Functions).toHaveLength(2);
  });

  test("an x-amz-* header, and Host", async () => {
    await using harness = await start();
    await harness.control.create("one", "a", { snapStart: false });
    const target = "/2015-03-31/functions/one/invocations";
    const body = Buffer.from("{}");
    const headers = harness.signed("POST", target, body);
    const post = async (more: Record<string, string>): Promise<Response> =>
      fetch(`http://${harness.host}${target}`, { method: "POST", headers: { ...headers, ...more }, body });
    const added = await post({ "x-amz-invocation-type": "Event" });
    expect(added.status).toBe(403);
    expect(await added.text()).toContain("not signed: x-amz-invocation-type");
    const elsewhere = await harness.open();
    elsewhere.send("GET", list, { ...harness.signed("GET", list, Buffer.alloc(0)), host: "elsewhere.example" });
    expect(await elsewhere.head()).toContain("HTTP/1.1 403");
    elsewhere.socket.destroy();
  });
});

describe("streams", () => {
  const line = { timestampMs: 1, logStream: "s", message: "x".repeat(64 * 1024), origin: "function" } as const;

  /** Logs of 256 MiB; how much of them was asked for, and whether they were ended. */
  function endlessLogs() {
    let produced = 0;
    let isEnded: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      isEnded = resolve;
    });
    async function* read() {
      try {
        for (; produced < 4096; produced++) yield [line];
      } finally {
        isEnded();
      }
    }
    return { read, ended, produced: () => produced };
  }

  test("are sent as fast as the client takes them, and ended when it goes", async () => {
    const logs = endlessLogs();
    await using harness = await start({}, (control) => ({
      ...control,
      logs: { read: () => Promise.resolve(logs.read()) },
    }));
    const connection = await harness.open();
    const target = "/_thaw/v1/logs/one";
    connection.send("GET", target, harness.signed("GET", target, Buffer.alloc(0)));
    expect(await connection.head()).toContain("HTTP/1.1 200");
    connection.socket.pause();
    // Other requests are served meanwhile, and it does not run ahead: what fits into the sockets' buffers, and no more.
    for (let request = 0; request < 50; request++) await (await fetch(`http://${harness.host}/_thaw/v1/health`)).text();
    expect(logs.produced()).toBeLessThan(1024);
    connection.socket.destroy();
    await logs.ended;
    expect(logs.produced()).toBeLessThan(4096);
  });

  test("come whole to a client that reads them", async () => {
    const logs = endlessLogs();
    await using harness = await start({}, (control) => ({
      ...control,
      logs: { read: () => Promise.resolve(logs.read()) },
    }));
    let count = 0;
    for await (const event of harness.client.lines("readLogs", { parameters: { function: "one" } })) {
      expect(event.message.length).toBe(64 * 1024);
      if (++count === 300) break;
    }
    await logs.ended;
    expect(count).toBe(300);
  });
});
