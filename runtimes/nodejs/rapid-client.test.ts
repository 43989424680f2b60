/** The native part by itself, against servers that frame their answers in every way a proxy may. */
import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, expect, it, test } from "vitest";

interface Native {
  post(host: string, port: string, request: string): number;
  poll(host: string, port: string, request: string, callback: (head?: string, body?: string) => void): void;
}

const native = createRequire(import.meta.url)(
  join(import.meta.dirname, "../dist/nodejs24/rapid-client.node"),
) as Native;
const GET = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";

let server: Server;
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
});

/** Serves each connection's requests by `answer`, which is told their number over all connections. */
async function listen(answer: (socket: Socket, count: number) => void): Promise<string> {
  let count = 0;
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("data", () => answer(socket, count++));
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return String((server.address() as AddressInfo).port);
}

const poll = (port: string): Promise<{ readonly head: string | undefined; readonly body: string | undefined }> =>
  new Promise((done) => native.poll("127.0.0.1", port, GET, (head, body) => done({ head, body })));

it.for<[string, string, string]>([
  ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"],
  ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", "hello"],
  [
    "chunks and trailers",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    "hello",
  ],
  ["no body", "HTTP/1.1 204 No Content\r\n\r\n", ""],
])("reads an answer with %s, whole or byte by byte", async ([, text, want], { expect: expected }) => {
  const port = await listen((socket, count) => {
    if (count === 0) socket.write(text);
    // Each byte by itself, once the one before it is on its way.
    else
      void (async () => {
        socket.setNoDelay(true);
        for (const byte of text) await new Promise((sent) => socket.write(byte, sent));
      })();
  });
  for (let i = 0; i < 2; i++) expected((await poll(port)).body).toBe(want);
  expected(sockets.size).toBe(1);
});

test("reads an answer that ends with its connection, and connects again", async () => {
  const port = await listen((socket) => socket.end("HTTP/1.1 200 OK\r\nLambda-X: ü\r\n\r\nüber"));
  for (let i = 0; i < 2; i++)
    expect(await poll(port)).toEqual({ head: expect.stringContaining("Lambda-X: ü"), body: "über" });
});

test("asks again where a kept connection was closed meanwhile, and only there", async () => {
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const port = await listen((socket, count) => {
    if (count === 1) socket.destroy();
    else socket.write(answer);
  });
  expect((await poll(port)).body).toBe("ok");
  expect((await poll(port)).body).toBe("ok");
});

it.for<[string, string]>([
  ["an answer cut off", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"],
  ["chunks cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhe"],
  ["a chunk of no size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n"],
  ["a length beyond all", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"],
  ["no HTTP", "nonsense, and then some more of it\r\n\r\n"],
  ["nothing", ""],
])("tells that there is no answer for %s", async ([, text], { expect: expected }) => {
  const port = await listen((socket) => socket.end(text));
  expected(await poll(port)).toEqual({ head: undefined, body: undefined });
});

test("a post blocks until it is answered, and tells 0 where nobody listens", async () => {
  const worker = new Worker(
    `const { createServer } = require("node:http");
    const server = createServer((request, response) => {
      let size = 0;
      request.on("data", (part) => (size += part.length)).on("end", () => response.writeHead(size === 3_000_000 ? 202 : 400).end("{}"));
    }).listen(0, "127.0.0.1", () => require("node:worker_threads").parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  const [port] = (await once(worker, "message")) as [number];
  const body = "x".repeat(3_000_000);
  const request = `POST /r HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  expect([native.post("127.0.0.1", String(port), request), native.post("127.0.0.1", String(port), request)]).toEqual([
    202, 202,
  ]);
  await worker.terminate();
  expect(native.post("127.0.0.1", String(port), request)).toBe(0);
  server = createServer();
});
