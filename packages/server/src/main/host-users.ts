/**
 * Users of this host that have the ids which Thaw runs as. Who has one of them could stop functions, read what they
 * keep in file systems, or, as the server's user, give orders to sandboxd.
 */
import { existsSync, readFileSync } from "node:fs";
import { HOST_UID_FIRST, HOST_UID_LAST } from "../sandboxd/host-uids.ts";
import { SERVER_UID_DEFAULT } from "./options/table.ts";
import { UsageError } from "./options/usage-error.ts";

export interface HostUsers {
  /** Contents of /etc/passwd, /etc/subuid and /etc/subgid. */
  readonly passwd: string;
  readonly subuid: string;
  readonly subgid: string;
  /** True for an id that systemd has given to a service with DynamicUser=. */
  readonly isDynamic: (uid: number) => boolean;
}

interface Range {
  readonly first: number;
  readonly last: number;
  readonly what: string;
}

const FUNCTIONS: Range = { first: HOST_UID_FIRST, last: HOST_UID_LAST, what: "functions" };

/** Names of the users that the Debian package makes for these ids. */
const OWN_NAMES: ReadonlySet<string> = new Set(["thaw", "thaw-pager", "thaw-companion"]);

/** The user of `--companion`, after the pager's. */
export function companionUid(serverUid: number): number {
  return serverUid + 2;
}

/** Returns a sentence for each conflict. The server's own user may be any that the operator has chosen. */
export function findConflicts(users: HostUsers, serverUid: number, hasCompanion = false): string[] {
  const pager: Range = { first: serverUid + 1, last: serverUid + 1, what: "the pager" };
  const server: Range = { first: serverUid, last: serverUid, what: "the server" };
  const uid = companionUid(serverUid);
  const companion: readonly Range[] = hasCompanion ? [{ first: uid, last: uid, what: "the companion" }] : [];
  const others = [pager, ...companion];
  const wanted = [...(serverUid === SERVER_UID_DEFAULT ? [server] : []), ...others, FUNCTIONS];
  const free = hasCompanion
    ? "the two after it free for the pager and the companion"
    : "the one after it free for the pager";
  const another = `Name another user for the server, with ${free}: THAW_SERVER_UID`;
  const curing = (range: Range): string => (range === FUNCTIONS ? "Give that user other ids" : another);
  const found: string[] = [];
  for (const [name = "", , id = ""] of fieldsOf(users.passwd)) {
    const taken = wanted.find(({ first, last }) => Number(id) >= first && Number(id) <= last);
    if (taken !== undefined && id !== "" && !OWN_NAMES.has(name))
      found.push(
        `The user ${name} of this host has the id ${id}, which is for ${taken.what} of Thaw. ${curing(taken)}.`,
      );
  }
  for (const [file, text] of [
    ["/etc/subuid", users.subuid],
    ["/etc/subgid", users.subgid],
  ] as const) {
    for (const [name = "", start = "", count = ""] of fieldsOf(text)) {
      const [first, last] = [Number(start), Number(start) + Number(count) - 1];
      const taken = [server, ...others, FUNCTIONS].find((range) => first <= range.last && last >= range.first);
      if (taken !== undefined)
        found.push(
          `${file} gives ${name} the ids ${first} to ${last}; ${taken.first} is for ${taken.what} of Thaw. ${curing(taken)}.`,
        );
    }
  }
  for (const { first, what } of [server, ...others]) {
    if (users.isDynamic(first))
      found.push(
        `systemd has given the id ${first} to a service (DynamicUser=), and it is for ${what} of Thaw. ${another}.`,
      );
  }
  return found;
}

function fieldsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

/** Throws a UsageError where somebody else has one of the ids. */
export function checkHostUsers(serverUid: number, hasCompanion: boolean): void {
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
  const users = {
    passwd: read("/etc/passwd"),
    subuid: read("/etc/subuid"),
    subgid: read("/etc/subgid"),
    isDynamic: (uid: number) => existsSync(`/run/systemd/dynamic-uid/${uid}`),
  };
  const found = findConflicts(users, serverUid, hasCompanion);
  if (found.length > 0) throw new UsageError(found.join("\n"));
}
