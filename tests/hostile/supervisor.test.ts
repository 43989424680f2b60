/** The supervisor, with as many connections of its function as it can have. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { partsOf } from "@thaw/installation";
import { it, onTestFinished, vi } from "vitest";
import { freePort } from "../support/free-port.ts";

const OPEN_FILES_MAX = 32;
/** For a supervisor that hangs. */
const TAKEN_MS_MAX = 60_000;
const HELLO = 0x01;
const PROTOCOL = 2;

function helloFrame(): Buffer {
  const payload = Buffer.from(JSON.stringify({ protocol: PROTOCOL }));
  const header = Buffer.alloc(12);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt8(HELLO, 4);
  return Buffer.concat([header, payload]);
}

/** Connects as soon as somebody listens. Rejects when the supervisor has ended before. */
async function connected(path: string, ended: Promise<string>): Promise<Socket> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  for (;;) {
    const socket = connect(path);
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    if (isOpen) return socket;
    if (hasEnded) throw new Error("the supervisor has ended");
  }
}

it("goes on when somebody comes to its control socket and all descriptors are taken", async ({ expect }) => {
  const dir = mkdtempSync(join(tmpdir(), "thaw-supervisor-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const socket = join(dir, "ctl.sock");
  const port = await freePort();
  const limit = `--nofile=${OPEN_FILES_MAX}:${OPEN_FILES_MAX}`;
  const child = spawn("prlimit", [limit, partsOf(process.env).supervisor, socket, "0", String(port)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit").then(() => "ended");
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const control = await connected(socket, ended);
  control.write(helloFrame());
  await once(control, "data");
  const connections = Array.from({ length: 2 * OPEN_FILES_MAX }, () => connect(port, "127.0.0.1"));
  for (const each of connections) each.on("error", () => undefined);
  onTestFinished(() => connections.forEach((each) => each.destroy()));
  const taken = (): number =>
    // It may have inherited others above the limit.
    readdirSync(`/proc/${child.pid}/fd`).filter((fd) => Number(fd) < OPEN_FILES_MAX).length;
  await vi.waitUntil(() => taken() === OPEN_FILES_MAX, { timeout: TAKEN_MS_MAX });
  const second = connect(socket);
  second.on("error", () => undefined);
  expect(await Promise.race([once(second, "close").then(() => "turned away"), ended])).toBe("turned away");
  // The first one is heard still: what is no frame ends it.
  control.write(Buffer.alloc(12, 0xff));
  expect(await Promise.race([once(control, "close").then(() => "heard"), ended])).toBe("heard");
});
