/** Answers that come piece by piece, from a server that the test plays. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fetchEndless } from "./endless.ts";

let server: Server;
let url: string;
const answers: ServerResponse[] = [];

beforeEach(async () => {
  server = createServer((request, answer) => {
    answers.push(answer);
    answer.writeHead(request.headers["x-status"] === undefined ? 200 : Number(request.headers["x-status"]));
    answer.write("first\n");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  answers.length = 0;
});

it("gives the head at once, then each piece as it comes", async () => {
  const { ok, body } = await fetchEndless(url, { method: "GET", headers: {}, signal: null });
  expect(ok).toBe(true);
  const read: string[] = [];
  for await (const bytes of body ?? []) {
    read.push(Buffer.from(bytes).toString());
    if (read.length === 1) answers[0]?.end("second\n");
  }
  expect(read).toEqual(["first\n", "second\n"]);
});

it("tells a refusal by its status and text", async () => {
  const answered = fetchEndless(url, { method: "GET", headers: { "x-status": "403" }, signal: null });
  const response = await answered;
  answers[0]?.end("no\n");
  expect([response.status, await response.text()]).toEqual([403, "first\nno\n"]);
});

it("ends with its signal, before the head and behind it", async () => {
  const stop = new AbortController();
  const { body } = await fetchEndless(url, { method: "GET", headers: {}, signal: stop.signal });
  const closed = once(answers[0] as ServerResponse, "close");
  stop.abort();
  await closed;
  await expect(new Response(body).text()).rejects.toThrow();
  await expect(fetchEndless(url, { method: "GET", headers: {}, signal: stop.signal })).rejects.toThrow();
});
