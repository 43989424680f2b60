// Draws from every source of chance once in Init, so that its state is in the snapshot, and again in each request.
import { fork } from "node:child_process";
import crypto, { randomUUID as importedRandomUUID } from "node:crypto";
import { openSync, readFileSync, readSync } from "node:fs";
import { Worker, isMainThread, parentPort } from "node:worker_threads";
import { fileURLToPath } from "node:url";

const SELF = fileURLToPath(import.meta.url);
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const capturedRandom = Math.random;
const urandom = openSync("/dev/urandom", "r");
const pool = crypto.randomBytes(1024);
let poolOffset = 0;

const readUrandom = () => {
  const bytes = Buffer.alloc(16);
  readSync(urandom, bytes);
  return hex(bytes);
};
const inThread = () => `${Math.random()} ${crypto.randomUUID()}`;

if (!isMainThread) parentPort.on("message", () => parentPort.postMessage(inThread()));
if (process.send !== undefined) process.on("message", () => process.send(inThread()));

const ask = (other) =>
  new Promise((resolve) => {
    other.once("message", resolve);
    if (other.postMessage) other.postMessage("draw");
    else other.send("draw");
  });

const isMain = isMainThread && process.send === undefined;
const worker = isMain ? new Worker(SELF) : null;
const child = isMain ? fork(SELF) : null;

async function draw() {
  return {
    "/dev/urandom": readUrandom(),
    "Math.random": String(Math.random()),
    "Math.random, kept in a variable": String(capturedRandom()),
    "crypto.randomBytes": hex(crypto.randomBytes(16)),
    "crypto.randomFillSync": hex(crypto.randomFillSync(new Uint8Array(16))),
    "crypto.randomUUID": crypto.randomUUID(),
    "crypto.randomUUID, imported by name": importedRandomUUID(),
    "globalThis.crypto.randomUUID": globalThis.crypto.randomUUID(),
    "crypto.randomInt": String([1, 2, 3].map(() => crypto.randomInt(2 ** 40))),
    "globalThis.crypto.getRandomValues": hex(globalThis.crypto.getRandomValues(new Uint8Array(16))),
    "crypto.generateKeyPairSync": crypto
      .generateKeyPairSync("ed25519")
      .publicKey.export({ format: "der", type: "spki" })
      .toString("hex"),
    "crypto.subtle.generateKey": hex(
      await crypto.subtle.exportKey(
        "raw",
        await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]),
      ),
    ),
    "worker thread: Math.random and randomUUID": await ask(worker),
    "forked process: Math.random and randomUUID": await ask(child),
    "yours: a pool of random bytes": hex(pool.subarray(poolOffset, (poolOffset += 16))),
  };
}

if (isMain) await draw();

export const handler = async (event) => {
  const values = await draw();
  await new Promise((resolve) => setTimeout(resolve, event.holdMs ?? 0));
  return { clone: hex(readFileSync("/run/thaw/generation").subarray(8, 16)), values };
};
