/**
 * Who belongs to an installation: join tokens and the workers that used them. One file of mode 0600,
 * `cluster/members.json` in the data directory of the server, replaced as a whole; it has digests of secrets, and none
 * of them.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { replaceFile } from "../base/replace-file.ts";
import { CLUSTER_DIRECTORY } from "./installation-authority.ts";
import { type JoinToken, showJoinToken } from "./join-token.ts";

const MEMBERS_FILE = "members.json";
const FORMAT = 1;
const MEMBERS_MAX = 1000;
/** Tokens that wait for a worker, or are remembered. */
const TOKENS_MAX = 1000;
export const TOKEN_LIFE_MS_MAX = 7 * 24 * 3_600_000;
/** For this long a token that is over can be told from one that never was. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;
const ID_SIZE_BYTES = 8;
const SECRET_SIZE_BYTES = 32;

interface TokenRow {
  readonly id: string;
  readonly secretDigest: string;
  readonly expiresAtMs: number;
  /** The worker that joined by it. */
  readonly usedBy: string | null;
}

export interface Member {
  readonly workerId: string;
  /** Where control planes reach it: `HOST:PORT`. */
  readonly address: string;
  readonly joinedAtMs: number;
  readonly certifiedUntilMs: number;
  /** Digest of the certificate by which it is known. */
  readonly certificate: string;
  /** Digest of one that was issued to it since, and has not been seen yet: its answer may have been lost. */
  readonly unseen: string | null;
}

/** A worker that wants another certificate, with the digest of the one that it has shown. */
interface Renewing extends Pick<Member, "workerId" | "address"> {
  readonly seen: string;
}

interface MembersFile {
  readonly format: typeof FORMAT;
  readonly tokens: readonly TokenRow[];
  readonly members: readonly Member[];
}

/** What a worker is refused with: a sentence for its operator. */
export class JoinRefused extends Error {}

export interface MembershipOptions {
  readonly dataDir: string;
  /** `certificateDigest` of the installation's authority. */
  readonly digest: string;
  readonly clock: Clock;
  readonly random: Random;
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #path: string;
  #file: MembersFile;

  /** Throws an Error that names the file where it is there and can't be read. */
  constructor(options: MembershipOptions) {
    this.#options = options;
    const directory = join(options.dataDir, CLUSTER_DIRECTORY);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#path = join(directory, MEMBERS_FILE);
    this.#file = readMembers(this.#path);
  }

  get members(): readonly Member[] {
    return this.#file.members;
  }

  /** Makes a token for one worker. Its text is nowhere else. */
  makeToken(lifeMs: number): { readonly token: string; readonly expiresAtMs: number } {
    if (!(lifeMs > 0 && lifeMs <= TOKEN_LIFE_MS_MAX)) throw new Error("a join token lives at most 7 days");
    const { clock, random, digest } = this.#options;
    const nowMs = clock.nowMs();
    const tokens = this.#file.tokens.filter(({ expiresAtMs }) => expiresAtMs + REMEMBERED_MS > nowMs);
    if (tokens.length >= TOKENS_MAX)
      throw new JoinRefused(`There are ${TOKENS_MAX} join tokens already. The oldest ones go a week after their end.`);
    const id = random.bytes(ID_SIZE_BYTES).toString("hex");
    const secret = random.bytes(SECRET_SIZE_BYTES).toString("base64url");
    const expiresAtMs = nowMs + lifeMs;
    const row = { id, secretDigest: digestOf(secret), expiresAtMs, usedBy: null };
    this.#replace({ ...this.#file, tokens: [...tokens, row] });
    return { token: showJoinToken({ id, secret, digest }), expiresAtMs };
  }

  /** Throws JoinRefused where no worker may join by it now. */
  checkToken({ id, secret }: Pick<JoinToken, "id" | "secret">): void {
    const row = this.#file.tokens.find((each) => each.id === id);
    if (row === undefined || !isSame(row.secretDigest, digestOf(secret)))
      throw new JoinRefused("This server has no such join token: make one at this server.");
    if (row.usedBy !== null)
      throw new JoinRefused(`The join token was used by the worker ${row.usedBy}: each worker needs one of its own.`);
    if (row.expiresAtMs <= this.#options.clock.nowMs())
      throw new JoinRefused(`The join token ended at ${new Date(row.expiresAtMs).toISOString()}: make another one.`);
    if (this.#file.members.length >= MEMBERS_MAX)
      throw new JoinRefused(`There are ${MEMBERS_MAX} workers already: remove some that are gone.`);
  }

  newWorkerId(): string {
    return `w-${this.#options.random.bytes(ID_SIZE_BYTES).toString("hex")}`;
  }

  /** Uses the token up and has the worker as a member from then on: both or neither. Throws JoinRefused. */
  join(token: Pick<JoinToken, "id" | "secret">, member: Omit<Member, "joinedAtMs" | "unseen">): void {
    this.checkToken(token);
    const { workerId } = member;
    this.#replace({
      ...this.#file,
      tokens: this.#file.tokens.map((each) => (each.id === token.id ? { ...each, usedBy: workerId } : each)),
      members: [...this.#file.members, { ...member, joinedAtMs: this.#options.clock.nowMs(), unseen: null }],
    });
  }

  /**
   * Throws JoinRefused where the worker may not be given another certificate for the one that was `seen`: it was
   * removed, is elsewhere, or another one was issued for the same certificate and has been used since. Then there are
   * two who have it.
   */
  checkRenewal({ workerId, address, seen }: Renewing): Member {
    const member = this.#file.members.find((each) => each.workerId === workerId);
    if (member === undefined)
      throw new JoinRefused(`The worker ${workerId} was removed from this installation: join again with a token.`);
    if (member.address !== address)
      throw new JoinRefused(
        `The worker ${workerId} joined with the address ${member.address}: with another one it joins anew, with a token.`,
      );
    if (member.certificate !== seen && member.unseen !== seen)
      throw new JoinRefused(
        `The worker ${workerId} has another certificate since: two hosts use the same one. Remove the worker, and find out who has its files.`,
      );
    return member;
  }

  /** Has the worker known by `seen`, and by `certificate` once that is seen. Throws JoinRefused. */
  renew(renewing: Renewing, { certifiedUntilMs, certificate }: Pick<Member, "certifiedUntilMs" | "certificate">): void {
    const member = this.checkRenewal(renewing);
    const renewed = { ...member, certifiedUntilMs, certificate: renewing.seen, unseen: certificate };
    const members = this.#file.members.map((each) => (each === member ? renewed : each));
    this.#replace({ ...this.#file, members });
  }

  /** Returns false where there is no such worker. Its certificate is renewed no more. */
  remove(workerId: string): boolean {
    const members = this.#file.members.filter((each) => each.workerId !== workerId);
    if (members.length === this.#file.members.length) return false;
    this.#replace({ ...this.#file, members });
    return true;
  }

  #replace(file: MembersFile): void {
    replaceFile(this.#path, JSON.stringify(file));
    this.#file = file;
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function readMembers(path: string): MembersFile {
  if (!existsSync(path)) return { format: FORMAT, tokens: [], members: [] };
  let file: Partial<Record<keyof MembersFile, unknown>> | null;
  try {
    file = JSON.parse(readFileSync(path, "utf8")) as typeof file;
  } catch {
    file = null;
  }
  const { format, tokens, members } = file ?? {};
  if (format !== FORMAT || !Array.isArray(tokens) || !tokens.every(isToken) || !isMembers(members))
    throw new Error(`${path} can't be read as tokens and members, format ${FORMAT}: bring it back from a backup`);
  return { format, tokens, members };
}

function isMembers(value: unknown): value is readonly Member[] {
  return Array.isArray(value) && value.every(isMember);
}

function isToken(value: unknown): value is TokenRow {
  const { id, secretDigest, expiresAtMs, usedBy } = (value ?? {}) as Partial<TokenRow>;
  if (typeof id !== "string" || typeof secretDigest !== "string" || typeof expiresAtMs !== "number") return false;
  return usedBy === null || typeof usedBy === "string";
}

function isMember(value: unknown): value is Member {
  const { workerId, address, joinedAtMs, certifiedUntilMs, certificate, unseen } = (value ?? {}) as Partial<Member>;
  if (typeof workerId !== "string" || typeof address !== "string" || typeof certificate !== "string") return false;
  if (typeof joinedAtMs !== "number" || typeof certifiedUntilMs !== "number") return false;
  return unseen === null || typeof unseen === "string";
}
