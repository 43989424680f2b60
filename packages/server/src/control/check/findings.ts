/** From what was seen to what it means: in words for someone who has never heard of snapshots of functions. */
import type { UniqueValue } from "../../model/unique-values.ts";
import type { CheckFacts } from "./check.ts";
import type { CheckFinding } from "@thaw/lambda-api/check-report";

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

const SECRETS: Readonly<Record<string, string>> = {
  "aws-access-key": "AWS access key (AKIA…)",
  "aws-session-key": "temporary AWS access key (ASIA…)",
  "private-key": "private key (PEM)",
  jwt: "signed token (JWT)",
};

export function judge(facts: CheckFacts): readonly CheckFinding[] {
  const findings = [functionErrors(facts), sharedValues(facts), repeatedDraws(facts), oldTimes(facts), connections(facts), secrets(facts)];
  findings.push(unexplained(facts), secretVariables(facts), tmpFiles(facts));
  return findings.filter((finding) => finding !== null);
}

function functionErrors({ clones }: CheckFacts): CheckFinding | null {
  const errors = clones.flatMap((clone, number) => clone.errors.map((text) => `clone ${number + 1}: ${text.slice(0, 200)}`));
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

function sharedValues({ shared, clones }: CheckFacts): CheckFinding | null {
  const found = shared.filter(isMadeAtInit);
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

/** In memory before any copy ran; or of a form that is never computed from an event: JavaScript keeps a new UUID in pieces. */
function isMadeAtInit({ kind, value, placesInMemory }: SharedFact): boolean {
  return kind === "same" && (placesInMemory > 0 || (value.kind === "uuid" && RANDOM_UUID.test(value.text)));
}

function inMemory(places: number): string {
  return places > 0 ? `, and in the snapshot's memory (${count(places, "place")})` : "";
}

function repeatedDraws({ shared, clones }: CheckFacts): CheckFinding | null {
  const found = shared.filter((each) => each.kind === "repeated");
  if (found.length === 0) return null;
  return {
    id: "repeated-draw",
    severity: "error",
    title: `A generator gives all ${clones.length} copies the same "random" values`,
    why: "The value changes from invoke to invoke, but each copy gets the same row of values: they all draw from one generator whose state is in the snapshot.",
    cure: "Use the system's random numbers (crypto, secrets, SecureRandom), make the generator in the handler, or seed it again in an after-restore hook (docs/guides/hooks.md).",
    evidence: limit(found.map(({ value }) => shown(value))),
  };
}

function oldTimes({ shared }: CheckFacts): CheckFinding | null {
  const found = shared.filter((each) => each.kind === "old-time");
  if (found.length === 0) return null;
  return {
    id: "old-time",
    severity: "error",
    title: "A time in the answer is the time when the snapshot was made",
    why: "The function read the clock while it started up and kept the value. It does not move: a copy that starts next week still says so.",
    cure: "Read the clock in the handler, or again in an after-restore hook.",
    evidence: limit(found.map(({ value }) => shown(value))),
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
  const found = contents.secrets.filter((each) => each.values > 0);
  if (found.length === 0) return null;
  return {
    id: "secret-in-memory",
    severity: "warning",
    title: "Secrets are in the snapshot's memory",
    why: "They were read while the function started up and live as long as the snapshot does: a rotated or expired one is still used by every new copy. (The snapshot itself is encrypted.)",
    cure: "Read them when they are needed, or again in an after-restore hook.",
    evidence: found.map((each) => `${SECRETS[each.kind] ?? each.kind}: ${count(each.values, "value")} in ${count(each.places, "place")}`),
  };
}

function unexplained({ shared }: CheckFacts): CheckFinding | null {
  const found = shared.filter((each) => each.kind === "same" && !isMadeAtInit(each));
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
  return lines.length <= EVIDENCE_MAX ? lines : [...lines.slice(0, EVIDENCE_MAX), `and ${lines.length - EVIDENCE_MAX} more`];
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** Enough to know it again: it may be a token. */
function shown(value: UniqueValue): string {
  const isOpen = value.kind === "time" || value.kind === "random-number" || value.text.length <= SHOWN_CHARACTERS;
  return `${value.place}: ${KINDS[value.kind]} ${isOpen ? value.text : `${value.text.slice(0, SHOWN_CHARACTERS)}…`}`;
}
