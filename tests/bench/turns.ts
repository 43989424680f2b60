/**
 * The longest work that the server does in one turn, in which nobody else is served: the figures of
 * docs/reference/limits.md. Each is the largest input that the limits let through.
 */
import {
  combineCrcs,
  compareClones,
  compileSchema,
  EventPattern,
  filterOf,
  loadLinearExpressions,
  MatchedEvent,
  nextTime,
  readImage,
  readSchedule,
} from "@thaw/server/testing/turns";
import { planInSteps } from "@thaw/stacks/plan";
import { prepareInSteps } from "@thaw/stacks/prepare";
import type { ResourceTypes } from "@thaw/stacks/resource-type";
import { parseTemplate } from "@thaw/template/template";
import type { Series } from "./series.ts";

const ROUNDS = 5;
const NOW_MS = Date.UTC(2026, 10, 30);
const HEXADECIMAL_64 = "0".repeat(64);

type Turn = () => unknown;

const TURNS: ReadonlyArray<readonly [name: string, prepare: () => Turn | Promise<Turn>]> = [
  ["JSON of 5 MB with 450,000 names", () => json(450_000)],
  ["an event of 20 million comparisons", comparisons],
  ["answers of 15 environments in a check", answers],
  ["an image's configuration with 250,000 labels", labels],
  ["a cron expression that never comes", cron],
  ["one of 10,000 parts in the checksum of an object", parts],
  ["a filter that looks into a message of 1 MB", filter],
  ["a body and a JSON schema of 5 million steps", schema],
  ["one resource of 1 MiB in a template", () => template(1)],
  ["a resource of 500 in a template of 1 MiB", () => template(500)],
];

export async function measureTurns(): Promise<Series[]> {
  const series: Series[] = [];
  for (const [name, prepare] of TURNS) {
    const turn = await prepare();
    const values = Array.from({ length: ROUNDS }, () => longestOf(turn));
    series.push({ name: `turns: ${name}`, unit: "ms", values });
  }
  return series;
}

/** Milliseconds of a processor, whatever else the machine does; of a generator the longest of its steps. */
function longestOf(turn: Turn): number {
  const [made, firstMs] = measured(turn);
  let longestMs = firstMs;
  if (!isSteps(made)) return longestMs;
  const steps = made;
  for (let isDone = false; !isDone; ) {
    const [step, ms] = measured(() => steps.next());
    isDone = step.done === true;
    longestMs = Math.max(longestMs, ms);
  }
  return longestMs;
}

function measured<T>(work: () => T): readonly [made: T, ms: number] {
  const before = process.threadCpuUsage();
  const made = work();
  const { user, system } = process.threadCpuUsage(before);
  return [made, (user + system) / 1000];
}

function isSteps(value: unknown): value is Generator<void, unknown> {
  return typeof value === "object" && value !== null && "next" in value;
}

function numbered(count: number, member: (at: number) => unknown, prefix = "name"): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`${prefix}${at}`, member(at)]));
}

function json(names: number): Turn {
  const text = JSON.stringify(numbered(names, () => 0, "n"));
  return () => void JSON.parse(text);
}

function comparisons(): Turn {
  const values = Array.from({ length: 2000 }, (_, at) => `value ${at}`);
  const text = JSON.stringify({ detail: { list: values } });
  const patterns = Array.from({ length: 300 }, (_, at) => EventPattern.of(`{"detail":{"list":["${at}", "b"]}}`));
  return () => {
    const event = MatchedEvent.of(text);
    try {
      for (let round = 0; ; round++) patterns[round % patterns.length]?.matches(event);
    } catch {
      // It took too many.
    }
  };
}

function answers(): Turn {
  const payload = JSON.stringify(numbered(25_000, (at) => `a value that is rather long ${at}`));
  const answer = { payload, log: [], sent: [], startedAtMs: NOW_MS, endedAtMs: NOW_MS };
  const clones = Array.from({ length: 5 }, () => [answer, answer, answer]);
  const context = { isKnown: () => false, given: [], snapshotCreatedAtMs: NOW_MS, invokedAtMs: NOW_MS };
  return () => void compareClones(clones, context);
}

function labels(): Turn {
  const config = { Labels: numbered(250_000, () => "", "l"), Cmd: ["a"] };
  const content = Buffer.from(
    JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { diff_ids: [`sha256:${HEXADECIMAL_64}`] }, config }),
  );
  const layer = {
    digest: `sha256:${HEXADECIMAL_64}`,
    sizeBytes: 1,
    mediaType: "application/vnd.oci.image.layer.v1.tar",
  };
  const manifest = { digest: `sha256:${HEXADECIMAL_64}`, config: layer, layers: [layer] };
  return () => void readImage("image", manifest, content);
}

function cron(): Turn {
  const schedule = readSchedule("cron(0 0 31W 2,4,6,9,11 ? *)");
  if (schedule === null) throw new Error("the expression is none");
  return () => void nextTime(schedule, NOW_MS, NOW_MS);
}

/** All of another size, so that none is moved as another one was. */
function parts(): Turn {
  const all = Array.from({ length: 10_000 }, (_, at) => ({ value: "AAAAAAAAAAA=", sizeBytes: 5 * 1024 ** 2 + at }));
  return () => combineCrcs("CRC64NVME", all);
}

function filter(): Turn {
  const text = JSON.stringify(numbered(80_000, () => 0, "n"));
  const keep = filterOf({ Filters: [{ Pattern: '{"body":{"wanted":[1]}}' }] }, "body");
  return () => void keep?.({ messageId: "1", body: text }, text);
}

async function schema(): Promise<Turn> {
  const list = { type: "array", items: { anyOf: Array.from({ length: 20 }, (_, at) => ({ enum: [at, "x"] })) } };
  const check = compileSchema("list", { read: () => list } as never, await loadLinearExpressions());
  const value = Array.from({ length: 500_000 }, () => 19);
  return () => void check(value);
}

const THING = {
  kind: "real",
  properties: { "*": "update" },
  required: [],
  attributes: null,
  nameProperty: null,
  isTaggable: false,
  canSnapshot: false,
} as const;
const TYPES: ResourceTypes = {
  find: (name) => ({ ...THING, name }),
  refusal: () => null,
  isReplaced: () => false,
};

function template(resourceCount: number): Turn {
  const memberCount = Math.floor(90_000 / resourceCount);
  const resource = (): object => ({ Type: "Custom::Thing", Properties: numbered(memberCount, () => 0, "n") });
  const parsed = parseTemplate(JSON.stringify({ Resources: numbered(resourceCount, resource, "R") }), "a template");
  const place = { accountId: "1", region: "r", stackId: "s", stackName: "n", notificationArns: [] };
  const around = { place, tags: {}, parameters: {}, ssm: new Map(), exports: new Map(), types: TYPES };
  return function* planned() {
    const { prepared } = yield* prepareInSteps({ ...around, template: parsed, digest: () => "" });
    yield* planInSteps({ target: prepared, previous: null, resources: [], types: TYPES });
  };
}
