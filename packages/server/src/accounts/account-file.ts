/**
 * Accounts beside the home account, in one file of the data directory, which operators may also write themselves while
 * the server is down.
 *
 * File: JSON `{"format":1,"accounts":[{"accountId":"222222222222","name":"","accessKeys":[{"accessKeyId":"…",
 * "secretAccessKey":"…","createdAtMs":0}]}]}`, mode 0600, replaced as a whole.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { conflict, invalidParameter, notFound } from "../model/api-error.ts";
import { type CallerKey, rootArn } from "../model/caller.ts";
import type { Accounts, AccountSummary, NewAccessKey } from "../ports/accounts.ts";
import { replaceFile } from "../base/replace-file.ts";

export const ACCOUNT_FILE = "accounts.json";
/** Each account has a database that stays open. */
const ACCOUNTS_MAX = 200;
const NAME_LENGTH_MAX = 64;
/** AWS's limit, and what a rotation without a gap needs. */
const KEYS_MAX = 2;
const ACCOUNT_ID = /^\d{12}$/;
const ACCESS_KEY_ID = /^[A-Z0-9]{16,128}$/;

interface StoredKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly createdAtMs: number;
}

interface StoredAccount {
  readonly accountId: string;
  readonly name: string;
  /** The newest last. */
  readonly accessKeys: readonly StoredKey[];
}

/** The account that the installation had before any other, with the key that the server was started with. */
export interface HomeAccount {
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface AccountFileOptions {
  readonly dataDir: string;
  readonly home: HomeAccount;
  /** Recognises the keys of sessions; null where a key is no session's. */
  readonly sessionKeys: { keyOf(accessKeyId: string, sessionToken: string): CallerKey | "expired" | null };
  readonly clock: Clock;
  readonly random: Random;
}

/** Throws an Error that names the file and what is wrong where it is there and can't be read. */
export function openAccounts(options: AccountFileOptions): Accounts {
  return new AccountFile(options);
}

class AccountFile implements Accounts {
  readonly #options: AccountFileOptions;
  readonly #path: string;
  #accounts: readonly StoredAccount[];
  #keys: ReadonlyMap<string, CallerKey>;

  constructor(options: AccountFileOptions) {
    this.#options = options;
    this.#path = join(options.dataDir, ACCOUNT_FILE);
    this.#accounts = existsSync(this.#path) ? readAccounts(this.#path, options.home) : [];
    this.#keys = this.#index();
  }

  keyOf(accessKeyId: string, sessionToken: string | null): CallerKey | "expired" | null {
    const own = this.#keys.get(accessKeyId);
    // A token of another session, as in a shell that has had AWS's: a key of an account needs none.
    if (own !== undefined) return own;
    return sessionToken === null ? null : this.#keyOfSession(accessKeyId, sessionToken);
  }

  #keyOfSession(accessKeyId: string, sessionToken: string): CallerKey | "expired" | null {
    const key = this.#options.sessionKeys.keyOf(accessKeyId, sessionToken);
    return key === null || key === "expired" || this.has(key.accountId) ? key : null;
  }

  list(): readonly AccountSummary[] {
    const { accountId, accessKeyId } = this.#options.home;
    const others = this.#accounts.map(({ accessKeys, ...account }) => ({
      ...account,
      isHome: false,
      accessKeys: accessKeys.map((key) => ({ accessKeyId: key.accessKeyId, createdAtMs: key.createdAtMs })),
    }));
    const home = { accountId, name: "", isHome: true, accessKeys: [{ accessKeyId, createdAtMs: null }] };
    return [home, ...others.toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))];
  }

  has(accountId: string): boolean {
    return accountId === this.#options.home.accountId || this.#find(accountId) !== undefined;
  }

  add(accountId: string, name: string): NewAccessKey {
    if (!ACCOUNT_ID.test(accountId)) throw invalidParameter(`${accountId.slice(0, 40)} is no account: 12 digits are.`);
    if (name.length > NAME_LENGTH_MAX) throw invalidParameter(`A name has at most ${NAME_LENGTH_MAX} characters.`);
    if (this.has(accountId)) throw conflict(`The account ${accountId} is there already.`);
    if (this.#accounts.length >= ACCOUNTS_MAX)
      throw invalidParameter(`There are ${ACCOUNTS_MAX} accounts; there can't be more.`);
    const key = this.#newKey();
    this.#write([...this.#accounts, { accountId, name, accessKeys: [key] }]);
    return { accountId, accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey };
  }

  rotate(accountId: string, isImmediate: boolean): NewAccessKey {
    const account = this.#other(
      accountId,
      "Its key is that of THAW_ACCESS_KEY_ID, or in DATA/credentials: change it there, and start the server again",
    );
    const key = this.#newKey();
    const kept = isImmediate ? [] : account.accessKeys.slice(1 - KEYS_MAX);
    const changed = { ...account, accessKeys: [...kept, key] };
    this.#write(this.#accounts.map((each) => (each === account ? changed : each)));
    return { accountId, accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey };
  }

  remove(accountId: string): void {
    const account = this.#other(accountId, "It can't be removed");
    this.#write(this.#accounts.filter((each) => each !== account));
  }

  #find(accountId: string): StoredAccount | undefined {
    return this.#accounts.find((each) => each.accountId === accountId);
  }

  #other(accountId: string, whyNotHome: string): StoredAccount {
    if (accountId === this.#options.home.accountId)
      throw invalidParameter(`${accountId} is the installation's own account. ${whyNotHome}.`);
    const found = this.#find(accountId);
    if (found === undefined) throw notFound(`Account not found: ${accountId.slice(0, 40)}`);
    return found;
  }

  #newKey(): StoredKey {
    const { random, clock } = this.#options;
    const accessKeyId = `AKIA${random.bytes(8).toString("hex").toUpperCase()}`;
    return { accessKeyId, secretAccessKey: random.bytes(30).toString("base64"), createdAtMs: clock.nowMs() };
  }

  /** The file first: a key that somebody was told of is there after a crash. */
  #write(accounts: readonly StoredAccount[]): void {
    replaceFile(this.#path, `${JSON.stringify({ format: 1, accounts }, null, 1)}\n`);
    this.#accounts = accounts;
    this.#keys = this.#index();
  }

  #index(): ReadonlyMap<string, CallerKey> {
    const { home } = this.#options;
    const keys = this.#accounts.flatMap(({ accountId, accessKeys }) =>
      accessKeys.map((key) => [key.accessKeyId, toCallerKey(accountId, key, "account")] as const),
    );
    return new Map([...keys, [home.accessKeyId, toCallerKey(home.accountId, home, "operator")]]);
  }
}

function toCallerKey(
  accountId: string,
  { secretAccessKey }: Pick<StoredKey, "secretAccessKey">,
  kind: CallerKey["kind"],
): CallerKey {
  return { secretAccessKey, accountId, principalArn: rootArn(accountId), userId: accountId, kind, isSession: false };
}

function readAccounts(path: string, home: HomeAccount): readonly StoredAccount[] {
  const wrong = (what: string): Error => new Error(`${path}: ${what}`);
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw wrong((error as Error).message);
  }
  const { format, accounts } = (file ?? {}) as { readonly format?: unknown; readonly accounts?: unknown };
  if (format !== 1) throw wrong(`"format" must be 1`);
  if (!Array.isArray(accounts) || accounts.length > ACCOUNTS_MAX)
    throw wrong(`"accounts" must be a list of at most ${ACCOUNTS_MAX}`);
  const seen = new Set([home.accountId, home.accessKeyId]);
  const once = (what: string, text: string): string => {
    if (seen.has(text)) throw wrong(`the ${what} ${text} is there twice, or is the installation's own`);
    seen.add(text);
    return text;
  };
  return accounts.map((account: Partial<StoredAccount> | null, at) => {
    const { accountId, name = "", accessKeys } = account ?? {};
    const place = `accounts[${at}]`;
    if (!isText(accountId, ACCOUNT_ID)) throw wrong(`${place}.accountId must have 12 digits`);
    if (typeof name !== "string" || name.length > NAME_LENGTH_MAX)
      throw wrong(`${place}.name must be a text of at most ${NAME_LENGTH_MAX} characters`);
    if (!Array.isArray(accessKeys) || accessKeys.length > KEYS_MAX)
      throw wrong(`${place}.accessKeys must be a list of at most ${KEYS_MAX}`);
    return {
      accountId: once("account", accountId),
      name,
      accessKeys: accessKeys.map((key: Partial<StoredKey> | null) => {
        const { accessKeyId, secretAccessKey, createdAtMs = 0 } = key ?? {};
        if (!isText(accessKeyId, ACCESS_KEY_ID) || !isText(secretAccessKey, /^\S{16,128}$/))
          throw wrong(
            `${place}.accessKeys needs accessKeyId (16 to 128 capitals and digits) and secretAccessKey (16 to 128 characters)`,
          );
        if (typeof createdAtMs !== "number") throw wrong(`${place}.accessKeys: createdAtMs must be a number`);
        return { accessKeyId: once("key", accessKeyId), secretAccessKey, createdAtMs };
      }),
    };
  });
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === "string" && form.test(value);
}
