/**
 * Random numbers of Node.js after a restore. Loaded by `--require`, so also in worker threads and in processes made by
 * `fork`, and by NODE_OPTIONS before any `--require` or `--import` of the function's own (module-paths.cts).
 *
 * OpenSSL's generator is renewed by the preloaded library (runtimes/unique). What is left is what Node.js and V8 keep
 * themselves:
 *
 *   crypto.randomUUID, crypto.randomInt   take from a cache filled ahead: the old content is thrown away
 *   Math.random                           V8's state can't be set: a restored clone goes on with a generator of its own, newly seeded
 *
 * Each looks first whether the page of the generation still holds the numbers it knows: one load, so there is no moment
 * after a restore at which old numbers come out, and nothing is done in a clone that asks for none.
 */
import type Crypto from "node:crypto";

const crypto = process.getBuiltinModule("node:crypto");
const { syncBuiltinESMExports } = process.getBuiltinModule("node:module");

/** UUIDs and integers in Node's caches (lib/internal/crypto/random.js). */
const CACHED_UUIDS = 128;
const CACHED_INTEGERS = 1024;
const FILLED_NUMBERS = 128;
const TWO_TO_26 = 67_108_864;
const TWO_TO_53 = 9_007_199_254_740_992;

const generation: Uint32Array | null = mapGeneration();

function mapGeneration(): Uint32Array | null {
  const module: { exports: { page?: ArrayBuffer } } = { exports: {} };
  try {
    process.dlopen(module, "/var/runtime/page.node");
  } catch {
    // Not inside a sandbox of Thaw.
  }
  return module.exports.page === undefined ? null : new Uint32Array(module.exports.page, 8, 2);
}

/** Tells, once for each restore, that there was one. */
function createWatch(page: Uint32Array): () => boolean {
  let low = page[0];
  let high = page[1];
  return () => {
    if (page[0] === low && page[1] === high) return false;
    low = page[0];
    high = page[1];
    return true;
  };
}

function isSkipped(name: string): boolean {
  const skipped = (process.env["THAW_RESEED_SKIP"] ?? "").split(",");
  return skipped.includes(name) || skipped.includes("all");
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { ...Object.getOwnPropertyDescriptor(target, name), value });
}

/** Written out in one function, and filled ahead as V8's own is: so a draw costs no more than before. */
function renewMathRandom(page: Uint32Array): void {
  const native = Math.random;
  const filled = new Float64Array(FILLED_NUMBERS);
  let left = 0;
  let fill: (() => void) | null = null;
  let low = page[0];
  let high = page[1];
  const renew = (): void => {
    low = page[0];
    high = page[1];
    left = 0;
    fill = createGenerator(filled);
  };
  define(Math, "random", function random(): number {
    if (page[0] !== low || page[1] !== high) renew();
    if (left === 0) {
      if (fill === null) return native();
      fill();
      left = FILLED_NUMBERS;
    }
    return filled[--left] as number;
  });
}

/** sfc32 with a new seed, two steps for the 53 bits of a number. */
function createGenerator(target: Float64Array): () => void {
  const state = new Int32Array(4);
  crypto.randomFillSync(state);
  const fill = (): void => {
    // By index: iterating is what would take the time here.
    let a = state[0] as number;
    let b = state[1] as number;
    let c = state[2] as number;
    let counter = state[3] as number;
    for (let i = 0; i < target.length; i++) {
      const high = (((a + b) | 0) + counter) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + high) | 0;
      const low = (((a + b) | 0) + counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + low) | 0;
      counter = (counter + 2) | 0;
      target[i] = ((high >>> 5) * TWO_TO_26 + (low >>> 6)) / TWO_TO_53;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = counter;
  };
  // The generator's authors want its first numbers thrown away.
  fill();
  return fill;
}

function renewUuids(page: Uint32Array): void {
  const wasRestored = createWatch(page);
  const native = crypto.randomUUID;
  const renew = (): void => {
    for (let i = 0; i < CACHED_UUIDS; i++) native();
  };
  define(crypto, "randomUUID", function randomUUID(options?: Crypto.RandomUUIDOptions) {
    if (wasRestored()) renew();
    return native(options);
  });
  const prototype = Object.getPrototypeOf(crypto.webcrypto) as { readonly randomUUID: () => string };
  const ofWeb = prototype.randomUUID;
  define(prototype, "randomUUID", function randomUUID(this: unknown) {
    if (wasRestored()) renew();
    return ofWeb.call(this as never);
  });
}

function renewIntegers(page: Uint32Array): void {
  const wasRestored = createWatch(page);
  const native = crypto.randomInt as (min: number, max?: unknown, callback?: unknown) => number;
  define(crypto, "randomInt", function randomInt(min: number, max?: unknown, callback?: unknown): number {
    if (wasRestored()) for (let i = 0; i < CACHED_INTEGERS; i++) native(2);
    return native(min, max, callback);
  });
}

if (generation !== null) {
  if (!isSkipped("random")) renewMathRandom(generation);
  if (!isSkipped("caches")) {
    renewUuids(generation);
    renewIntegers(generation);
    syncBuiltinESMExports();
  }
}

/** Read by hooks.ts. */
Object.defineProperty(globalThis, Symbol.for("thaw.generation"), { value: generation });
