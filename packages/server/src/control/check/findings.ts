/** Findings from the facts of a check, in words for someone who has never heard of snapshots of functions. */
import type { UniqueValue } from "../../model/unique-values.ts";
import type { CheckFinding } from "@thaw/thaw-api/check-report";
import type { CheckFacts } from "./facts.ts";

const EVIDENCE_MAX = 5;
const SHOWN_CHARACTERS = 8;
/** Versions 1, 4, 6 and 7: of time or chance (RFC 9562). */
const RANDOM_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1467]/i;

/** The Java runtime client's own library. */
const RUNTIME_FILES = new Set([".libaws-lambda-jni.so"]);

const KINDS: Readonly<Record<UniqueValue["kind"], string>> = {
  uuid: "UUID",
  jwt: "signed token (JWT)",
  hex: "random-looking hexadecimal text",
  "random-string": "random-looking text",
  "random-number": "random-looking number",
  time: "time",
};

const SESSION_KEY = "aws-session-key";

const SECRETS: Readonly<Record<string, string>> = {
  "aws-access-key": "AWS access key (AKIA…)",
  "aws-session-key": "temporary AWS access key (ASIA…)",
  "private-key": "private key (PEM)",
  jwt: "signed token (JWT)",
};

export function judge(facts: CheckFacts): readonly CheckFinding[] {
  const findings = [
    functionErrors(facts),
    sharedValues(facts),
    repeatedDraws(facts),
    oldTimes(facts),
    slowTimes(facts),
    keptValues(facts),
  ];
  findings.push(connections(facts), oldAddresses(facts), secrets(facts));
  findings.push(unexplained(facts), sessionKeys(facts), secretVariables(facts), tmpFiles(facts));
  return findings.filter((finding) => finding !== null);
}

function functionErrors({ clones }: CheckFacts): CheckFinding | null {
  const errors = clones.flatMap((clone, number) =>
    clone.errors.map((text) => `clone ${number + 1}: ${text.slice(0, 200)}`),
  );
  if (errors.length === 0) return null;
  return {
    id: "function-error",
    severity: "error",
    title: "The function failed for this event",
    why: "What a failed invoke answers says little about the function: the rest of this page may be incomplete.",
    cure: "Give an event that the function accepts: --event FILE.",
    evidence: limit(errors),
  };
}

function sharedValues(facts: CheckFacts): CheckFinding | null {
  const { shared, clones } = facts;
  const found = shared.filter((each) => isMadeAtInit(facts, each));
  if (found.length === 0) return null;
  return {
    id: "shared-value",
    severity: "error",
    title: `${count(found.length, "value")} that should be unique ${found.length === 1 ? "is" : "are"} the same in all ${clones.length} copies`,
    why: "It was made once, while the function started up, and is now part of the snapshot. Every copy that is ever started from this snapshot has the same one: identifiers collide, tokens can be guessed.",
    cure: "Make it where it is used, in the handler, or make it anew in an after-restore hook (docs/guides/hooks.md). `thaw scan` shows the line.",
    evidence: limit(found.map(({ value, placesInMemory }) => `${shown(value)}${inMemory(placesInMemory)}`)),
  };
}

type SharedFact = CheckFacts["shared"][number];

/**
 * Tells whether a value was made by Init: it was in memory before any clone ran, or it has a form that is never
 * computed from an event (JavaScript keeps a new UUID in pieces), or the fresh environment has another one. In requests
 * only the last counts: a text that every start sends alike (the key of a service, a word of a protocol) is in memory
 * as well.
 */
function isMadeAtInit(
  { fresh }: CheckFacts,
  { kind, value, placesInMemory, isInFresh, isOnlySent }: SharedFact,
): boolean {
  if (kind !== "same") return false;
  if (isOnlySent && fresh !== null) return !isInFresh;
  if (placesInMemory > 0) return true;
  return fresh === null ? value.kind === "uuid" && RANDOM_UUID.test(value.text) : !isInFresh;
}

function inMemory(places: number): string {
  return places > 0 ? `, and in the snapshot's memory (${count(places, "place")})` : "";
}

function repeatedDraws({ shared, rows, clones }: CheckFacts): CheckFinding | null {
  const found = shared
    .filter((each) => each.kind === "repeated")
    .map(({ value }) => shown(value.kind === "time" ? { ...value, kind: "random-number" } : value));
  // Draws from few values (a die) are seen only by a long row of them.
  if (found.length === 0)
    found.push(
      ...rows.map(
        (row) =>
          `${row.place}: ${row.text} in all copies, ${row.freshText} where the function was started without the snapshot`,
      ),
    );
  if (found.length === 0) return null;
  return {
    id: "repeated-draw",
    severity: "error",
    title: `A generator gives all ${clones.length} copies the same "random" values`,
    why: "The value changes from invoke to invoke, but each copy gets the same row of values: they all draw from one generator whose state is in the snapshot.",
    cure: "Use the system's random numbers (crypto, secrets, SecureRandom), make the generator in the handler, or seed it again in an after-restore hook (docs/guides/hooks.md).",
    evidence: limit(found),
  };
}

function oldTimes({ shared, ages }: CheckFacts): CheckFinding | null {
  const found = shared.filter((each) => each.kind === "old-time").map(({ value }) => shown(value));
  found.push(
    ...ages.map(
      (age) =>
        `${age.place}: ${age.text}, counted ${age.isDeadline === true ? "down to" : "from"} ${new Date(age.sinceMs).toISOString()}`,
    ),
  );
  if (found.length === 0) return null;
  return {
    id: "old-time",
    severity: "error",
    title: "A time that the function gives out is the time when the snapshot was made",
    why: "The function read the clock while it started up and kept the value. It does not move: a copy that starts next week still says so.",
    cure: "Read the clock in the handler, or again in an after-restore hook.",
    evidence: limit(found),
  };
}

function slowTimes({ slowClocks: found }: CheckFacts): CheckFinding | null {
  if (found.length === 0) return null;
  return {
    id: "slow-clock",
    severity: "error",
    title: "A time that the function gives out is behind by the age of the snapshot",
    why: "The function read the clock while it started up, and counts on from there with a clock that stands still between the snapshot and the start of a copy (performance.now, time.monotonic, System.nanoTime): a copy that starts next week is a week behind.",
    cure: "Read the wall clock in the handler, or take the moment to count from again in an after-restore hook.",
    evidence: limit(
      found.map(({ place, text, behindMs }) => `${place}: time ${text}, ${(behindMs / 1000).toFixed(1)} s behind`),
    ),
  };
}

/** Finds kept values that can look like anything: a number of a shard, the name of a folder, "local". */
function keptValues(facts: CheckFacts): CheckFinding | null {
  const told = facts.shared
    .filter((each) => each.kind === "old-time" || isMadeAtInit(facts, each))
    .map((each) => each.value.text);
  const found = facts.kept.filter((word) => !told.some((text) => word.text.includes(text)));
  if (found.length === 0) return null;
  return {
    id: "kept-value",
    severity: "warning",
    title: `${count(found.length, "value")} ${found.length === 1 ? "is" : "are"} the same in all ${facts.clones.length} copies, and different where the function was started without the snapshot`,
    why: "It was found out once, while the function started up, and every copy that is ever started from this snapshot goes on with it: a number drawn by lot, the name of a folder, the identity of the machine. Or it comes of something that copies don't have: a connection of the start, AWS_LAMBDA_LOG_STREAM_NAME among the environment variables.",
    cure: "If each copy should have its own, find it out in the handler, or again in an after-restore hook (docs/guides/hooks.md). `thaw scan` shows the line.",
    evidence: limit(
      found.map(
        (word) =>
          `${word.place}: ${shortened(word.text)} in all copies, ${shortened(word.freshText)} without the snapshot`,
      ),
    ),
  };
}

function oldAddresses({ oldAddresses: found }: CheckFacts): CheckFinding | null {
  if (found.length === 0) return null;
  return {
    id: "old-address",
    severity: "warning",
    title: `${found.length === 1 ? "An address is" : `${found.length} addresses are`} called that no copy has asked for`,
    why: "The copies sent no question to a name server, and the address is written down neither in the package nor in the environment: it was found out while the function started up. It may belong to someone else when a copy starts next week.",
    cure: "Give the name to the client, which finds out the address when it connects.",
    evidence: limit(found),
  };
}

function connections({ cutConnections }: CheckFacts): CheckFinding | null {
  if (cutConnections === null || cutConnections === 0) return null;
  return {
    id: "open-connection",
    severity: "warning",
    title: `${count(cutConnections, "connection")} to the outside ${cutConnections === 1 ? "was" : "were"} open when the snapshot was made`,
    why: "A copy can't go on with it, so Thaw closes it in every copy: the first use of it sees an error. Most clients and pools then connect again, some give the error to the caller.",
    cure: "Connect at the first use, or close in a before-snapshot hook and connect in an after-restore hook. Then see that the first invoke of a copy works.",
    evidence: [],
  };
}

function secrets({ contents }: CheckFacts): CheckFinding | null {
  const found = contents.secrets.filter((each) => each.values > 0 && each.kind !== SESSION_KEY);
  if (found.length === 0) return null;
  return {
    id: "secret-in-memory",
    severity: "warning",
    title: "Secrets are in the snapshot's memory",
    why: "They were read while the function started up and live as long as the snapshot does: a rotated or expired one is still used by every new copy. (The snapshot itself is encrypted.)",
    cure: "Read them when they are needed, or again in an after-restore hook.",
    evidence: found.map(secretLine),
  };
}

/** AWS's clients know when it expires, and fetch another one; boto3 fetches it when a client is made. */
function sessionKeys({ contents }: CheckFacts): CheckFinding | null {
  const found = contents.secrets.filter((each) => each.values > 0 && each.kind === SESSION_KEY);
  if (found.length === 0) return null;
  return {
    id: "session-key",
    severity: "note",
    title: "Temporary AWS credentials are in the snapshot's memory",
    why: "They were fetched while the function started up. AWS's clients fetch new ones when these expire; what your own code keeps of them grows old.",
    cure: "Where your own code reads credentials, read them when they are needed.",
    evidence: found.map(secretLine),
  };
}

function secretLine({ kind, values, places }: CheckFacts["contents"]["secrets"][number]): string {
  return `${SECRETS[kind] ?? kind}: ${count(values, "value")} in ${count(places, "place")}`;
}

function unexplained(facts: CheckFacts): CheckFinding | null {
  if (facts.fresh !== null) return null;
  const found = facts.shared.filter((each) => each.kind === "same" && !isMadeAtInit(facts, each));
  if (found.length === 0) return null;
  return {
    id: "equal-value",
    severity: "note",
    title: "Some values that look unique are equal in all copies",
    why: "They are not in the snapshot's memory in a form that can be found: probably they are computed from the event or are constants, which is fine. If they should differ, it is not.",
    cure: "Look at them. If one should be another in each copy, make it in the handler.",
    evidence: limit(found.map(({ value }) => shown(value))),
  };
}

function secretVariables({ secretVariables: names }: CheckFacts): CheckFinding | null {
  if (names.length === 0) return null;
  return {
    id: "secret-variable",
    severity: "note",
    title: "Environment variables that look secret are in the snapshot's memory",
    why: "That is always so: the environment is set before the function starts up. A new value needs a new version.",
    cure: "Where that matters, keep the secret in a store and read it in the handler or in an after-restore hook.",
    evidence: limit(names),
  };
}

function tmpFiles({ contents }: CheckFacts): CheckFinding | null {
  const own = contents.files.filter((file) => !RUNTIME_FILES.has(file.path));
  const ownCount = contents.fileCount - (contents.files.length - own.length);
  if (ownCount === 0) return null;
  return {
    id: "tmp-file",
    severity: "note",
    title: `${count(ownCount, "file")} in /tmp ${ownCount === 1 ? "is" : "are"} part of the snapshot`,
    why: "Every copy gets its own copy of them. That is fine for a cache, not for locks, sockets, identifiers or anything that grows old.",
    cure: "Remove what is not needed in a before-snapshot hook.",
    evidence: limit(own.map((file) => `/tmp/${file.path} (${file.size} bytes)`)),
  };
}

function limit(lines: readonly string[]): readonly string[] {
  return lines.length <= EVIDENCE_MAX
    ? lines
    : [...lines.slice(0, EVIDENCE_MAX), `and ${lines.length - EVIDENCE_MAX} more`];
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

/** Enough to know it again: it may be a token. */
function shown(value: UniqueValue): string {
  const isOpen = value.kind === "time" || value.kind === "random-number";
  return `${value.place}: ${KINDS[value.kind]} ${isOpen ? value.text : shortened(value.text)}`;
}
