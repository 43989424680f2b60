/**
 * Logins of the web console. A token holds what it stands for and a MAC over it, so none is kept and all are known
 * after a restart. The MAC's key follows from the installation's secret and the access key's own: a token ends with the
 * key that it was made for.
 *
 * File `console.json`, mode 0600, replaced as a whole: `{"format":1,"generations":{"ACCOUNT":"…"}}`. A token names the
 * generation of its account; a new one revokes all tokens before it.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { ApiError } from "../model/api-error.ts";
import { type Caller, callerOf } from "../model/caller.ts";
import type { CallerKeys } from "../ports/accounts.ts";
import type { ConsoleLogins, ConsoleRole, ConsoleSession, ConsoleToken } from "../ports/console-logins.ts";
import { replaceFile } from "../base/replace-file.ts";

const CONSOLE_FILE = "console.json";
/** Time to open a browser. */
const CODE_LIFE_MS = 60_000;
/** A working day. */
const TOKEN_LIFE_MS = 12 * 3_600_000;
/** Codes that wait at the same time: each is a signed request of somebody who did not open a browser. */
const CODES_MAX = 100;
const CODE_SIZE_BYTES = 16;
const TOKEN_ID_SIZE_BYTES = 6;
const GENERATION_SIZE_BYTES = 8;
/** Longer than any that is made: ids of keys have at most 128 characters. */
const TOKEN_LENGTH_MAX = 1024;
const PREFIX = "thawc1";

interface Payload {
  readonly id: string;
  readonly key: string;
  readonly region: string;
  readonly role: ConsoleRole;
  readonly expiresAtMs: number;
  readonly generation: string;
}

interface WaitingCode {
  readonly caller: Caller;
  readonly role: ConsoleRole;
  readonly expiresAtMs: number;
}

export interface ConsoleLoginsOptions {
  readonly dataDir: string;
  /** The installation's, at least 32 bytes. */
  readonly secret: Buffer;
  readonly keys: CallerKeys;
  readonly clock: Clock;
  readonly random: Random;
}

/** Throws an Error that names the file where it is there and can't be read. */
export function openConsoleLogins(options: ConsoleLoginsOptions): ConsoleLogins {
  return new FileConsoleLogins(options);
}

class FileConsoleLogins implements ConsoleLogins {
  readonly #options: ConsoleLoginsOptions;
  readonly #key: Buffer;
  readonly #path: string;
  readonly #codes = new Map<string, WaitingCode>();
  #generations: Readonly<Record<string, string>>;

  constructor(options: ConsoleLoginsOptions) {
    this.#options = options;
    this.#key = Buffer.from(hkdfSync("sha256", options.secret, "", "thaw console tokens", 32));
    this.#path = join(options.dataDir, CONSOLE_FILE);
    this.#generations = readGenerations(this.#path);
  }

  makeCode(caller: Caller, role: ConsoleRole): { readonly code: string; readonly expiresInS: number } {
    if (caller.isSession)
      throw new ApiError("AccessDeniedException", "Temporary credentials can't open the console: use an access key.");
    const nowMs = this.#options.clock.nowMs();
    for (const [code, { expiresAtMs }] of this.#codes) if (expiresAtMs <= nowMs) this.#codes.delete(code);
    if (this.#codes.size >= CODES_MAX)
      throw new ApiError("TooManyRequestsException", `${CODES_MAX} logins of the console wait already. Try later.`);
    const code = this.#options.random.bytes(CODE_SIZE_BYTES).toString("base64url");
    this.#codes.set(code, { caller, role, expiresAtMs: nowMs + CODE_LIFE_MS });
    return { code, expiresInS: CODE_LIFE_MS / 1000 };
  }

  exchange(code: string): ConsoleToken | null {
    const found = this.#codes.get(code);
    this.#codes.delete(code);
    const { clock, keys, random } = this.#options;
    if (found === undefined || found.expiresAtMs <= clock.nowMs()) return null;
    const { accessKeyId, region } = found.caller;
    const key = keys.keyOf(accessKeyId, null);
    if (key === null || key === "expired") return null;
    const payload: Payload = {
      id: random.bytes(TOKEN_ID_SIZE_BYTES).toString("hex"),
      key: accessKeyId,
      region,
      role: found.role,
      expiresAtMs: clock.nowMs() + TOKEN_LIFE_MS,
      generation: this.#generationOf(key.accountId),
    };
    const text = Buffer.from(JSON.stringify(payload)).toString("base64url");
    const token = `${PREFIX}.${text}.${this.#mac(text, key.secretAccessKey).toString("base64url")}`;
    return { token, session: sessionOf(payload, callerOf({ accessKeyId, region, key })) };
  }

  read(token: string): ConsoleSession | null {
    const [prefix, text = "", mac = "", ...rest] = token.slice(0, TOKEN_LENGTH_MAX + 1).split(".");
    if (token.length > TOKEN_LENGTH_MAX || prefix !== PREFIX || rest.length > 0) return null;
    const payload = readPayload(text);
    if (payload === null) return null;
    const key = this.#options.keys.keyOf(payload.key, null);
    if (key === null || key === "expired" || key.isSession || key.kind === "function") return null;
    const given = Buffer.from(mac, "base64url");
    const right = this.#mac(text, key.secretAccessKey);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    if (payload.expiresAtMs <= this.#options.clock.nowMs()) return null;
    if (payload.generation !== this.#generationOf(key.accountId)) return null;
    return sessionOf(payload, callerOf({ accessKeyId: payload.key, region: payload.region, key }));
  }

  revoke(accountId: string): void {
    const generation = this.#options.random.bytes(GENERATION_SIZE_BYTES).toString("hex");
    const generations = { ...this.#generations, [accountId]: generation };
    replaceFile(this.#path, JSON.stringify({ format: 1, generations }));
    this.#generations = generations;
    for (const [code, { caller }] of this.#codes) if (caller.accountId === accountId) this.#codes.delete(code);
  }

  #generationOf(accountId: string): string {
    return Object.hasOwn(this.#generations, accountId) ? (this.#generations[accountId] ?? "") : "";
  }

  #mac(text: string, secretAccessKey: string): Buffer {
    const key = createHmac("sha256", this.#key).update(secretAccessKey).digest();
    return createHmac("sha256", key).update(`${PREFIX}.${text}`).digest();
  }
}

function sessionOf({ id, role, expiresAtMs }: Payload, caller: Caller): ConsoleSession {
  return { tokenId: id, role, expiresAtMs, caller };
}

/** Null where the text, whose MAC has not been looked at yet, is no payload. */
function readPayload(text: string): Payload | null {
  try {
    const value = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as Partial<Payload> | null;
    if (typeof value?.key !== "string" || typeof value.region !== "string" || typeof value.id !== "string") return null;
    return value as Payload;
  } catch {
    return null;
  }
}

function readGenerations(path: string): Readonly<Record<string, string>> {
  if (!existsSync(path)) return {};
  const problem = new Error(`${path} can't be read: expected {"format":1,"generations":{"ACCOUNT":"…"}}`);
  let file: { readonly format?: unknown; readonly generations?: unknown } | null;
  try {
    file = JSON.parse(readFileSync(path, "utf8")) as typeof file;
  } catch {
    throw problem;
  }
  const { format, generations } = file ?? {};
  if (format !== 1 || typeof generations !== "object" || generations === null) throw problem;
  if (Object.values(generations).some((each) => typeof each !== "string")) throw problem;
  return generations as Readonly<Record<string, string>>;
}
