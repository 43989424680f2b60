import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { connectSandboxd } from "./client.ts";

/** Stands for sandboxd: answers each request with what `answer` gives for its operation. */
async function serve(path: string, answer: (op: string) => object): Promise<Server> {
  const server = createServer((socket) => {
    createInterface({ input: socket }).on("line", (line) => {
      const { id, op } = JSON.parse(line) as { readonly id: number; readonly op: string };
      socket.write(`${JSON.stringify({ id, ...answer(op) })}\n`);
    });
  }).listen(path);
  await once(server, "listening");
  return server;
}

it("a text of a function's in an answer, whatever its characters, is one answer", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sandboxd-client-test-"));
  const message = "/tmp/a\u2028b\u2029c is open";
  const hello = { ok: { protocol: 3, criu: null, criuProblem: message, cgroup: "v2", cpuFingerprint: "", kernel: "" } };
  const server = await serve(join(directory, "socket"), () => hello);
  try {
    const host = await connectSandboxd(join(directory, "socket"));
    expect(host.facts.criuProblem).toBe(message);
    host.close();
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});
