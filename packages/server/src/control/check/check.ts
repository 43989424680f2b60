/** `thaw check`: restores clones of a version's snapshot, gives them the same event, and tells what they share. */
import { invalidParameter } from "../../model/api-error.ts";
import { compareClones, givenTexts, type SharedValue } from "../../model/compare-clones.ts";
import { formsInMemory, type UniqueValue } from "../../model/unique-values.ts";
import type { SnapshotContents } from "../../ports/engine.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import type { InvokeOperation } from "../invoke.ts";
import { findVersion } from "../lookup.ts";
import { toRunnableVersion } from "../runnable-version.ts";
import type { ControlServices } from "../services.ts";
import { judge } from "./findings.ts";
import type { CheckReport } from "@thaw/lambda-api/check-report";
import { type CheckedClone, runClone } from "./run-clones.ts";
import { describe } from "./describe.ts";

/** As a client gives it. */
export interface CheckInput {
  /** NAME:VERSION, or an alias. */
  readonly function: unknown;
  /** JSON text, as an invoke takes it. */
  readonly event: unknown;
  readonly clones: unknown;
}

interface CheckRequest {
  readonly function: string;
  readonly payload: Buffer;
  readonly event: unknown;
  readonly clones: number;
}

/** All that was seen, before it is judged. */
export interface CheckFacts {
  readonly clones: readonly CheckedClone[];
  readonly shared: ReadonlyArray<SharedValue & { readonly placesInMemory: number }>;
  readonly contents: SnapshotContents;
  readonly cutConnections: number | null;
  /** Names of environment variables whose values look secret and are in the memory. */
  readonly secretVariables: readonly string[];
}

const CLONES_MIN = 2;
const CLONES_MAX = 5;
/** Of the needles of one search, in bytes: a request to sandboxd is one line of 64 KiB. */
const NEEDLES_SIZE_BYTES_MAX = 24 * 1024;
const SECRET_NAME = /secret|token|passw|api_?key|private|credential/i;
const SECRET_SIZE_MIN = 8;

export class CheckOperation {
  readonly #services: ControlServices;
  readonly #invoke: InvokeOperation;

  constructor(services: ControlServices, invoke: InvokeOperation) {
    this.#services = services;
    this.#invoke = invoke;
  }

  async check(input: CheckInput): Promise<CheckReport> {
    const { clock, scope } = this.#services;
    const startMs = clock.monotonicMs();
    const request = readRequest(input);
    const { owner, version } = findVersion(this.#services, request.function, undefined);
    this.#invoke.checkInvocable(version);
    const facts = version.snapshotFacts;
    if (version.snapshotId === null || facts === null) {
      throw invalidParameter(
        `${version.functionName}:${version.version} has no snapshot to check. Name a published version of a function with SnapStart: NAME:VERSION.`,
      );
    }
    const runnable = toRunnableVersion(scope, owner, version);
    const invokedAtMs = clock.nowMs();
    const clones = await this.#runClones(runnable, request);
    const answers = clones.map((clone) => clone.answers);
    const texts = knownTexts(runnable, request.payload);
    const isKnown = (text: string): boolean => texts.some((known) => known.includes(text));
    const candidates = compareClones(answers, { isKnown, given: givenTexts(request.event), snapshotCreatedAtMs: facts.createdAtMs, invokedAtMs });
    const inCode = await this.#services.code.findTexts(runnable.codeName, textsOf(candidates));
    const shared = candidates.filter((each) => !inCode.has(each.value.text));
    const found = await this.#search(runnable, shared);
    const seen: CheckFacts = { clones, cutConnections: facts.cutConnections ?? null, ...found };
    return describe(runnable, facts, seen, judge(seen), clock.monotonicMs() - startMs);
  }

  /** One after the other: each has the host to itself, as a cold start has at its best. */
  async #runClones(version: RunnableVersion, request: CheckRequest): Promise<readonly CheckedClone[]> {
    const clones: CheckedClone[] = [];
    const check = this.#services.random.uuid();
    for (let clone = 0; clone < request.clones; clone++) {
      clones.push(await runClone(this.#services, version, `check-${check}-${clone}`, request.payload));
    }
    return clones;
  }

  async #search(version: RunnableVersion, shared: readonly SharedValue[]): Promise<Pick<CheckFacts, "shared" | "contents" | "secretVariables">> {
    const variables = Object.entries(version.environment).filter(([name, value]) => SECRET_NAME.test(name) && value.length >= SECRET_SIZE_MIN);
    const groups = [...variables.map(([, value]) => [Buffer.from(value.slice(0, 1024))]), ...shared.map(({ value }) => formsInMemory(value))];
    let size = 0;
    // What does not fit any more is not looked for.
    const searched = groups.map((forms) => {
      size += forms.reduce((sum, form) => sum + form.length, 0);
      return size > NEEDLES_SIZE_BYTES_MAX ? [] : forms;
    });
    const contents = await this.#services.worker.inspectSnapshot(version, searched.flat());
    let next = 0;
    const places = searched.map((forms) => forms.reduce((sum) => sum + (contents.needles[next++] ?? 0), 0));
    return {
      contents,
      secretVariables: variables.filter((_variable, number) => (places[number] ?? 0) > 0).map(([name]) => name),
      shared: shared.map((each, number) => ({ ...each, placesInMemory: places[variables.length + number] ?? 0 })),
    };
  }
}

function readRequest(input: CheckInput): CheckRequest {
  const { function: name, event, clones } = input;
  if (typeof name !== "string" || name === "") throw invalidParameter("function must name a function: NAME:VERSION");
  if (typeof clones !== "number" || !Number.isInteger(clones) || clones < CLONES_MIN || clones > CLONES_MAX) {
    throw invalidParameter(`clones must be a number from ${CLONES_MIN} to ${CLONES_MAX}`);
  }
  if (typeof event !== "string") throw invalidParameter("event must be the text of a JSON document");
  try {
    return { function: name, payload: Buffer.from(event), event: JSON.parse(event) as unknown, clones };
  } catch (error) {
    throw invalidParameter(`event: ${(error as Error).message}`);
  }
}

/** What every clone is given alike. */
function knownTexts(version: RunnableVersion, payload: Buffer): readonly string[] {
  const { functionArn, accountId, codeName, logGroup, snapshotId } = version;
  return [payload.toString("utf8"), functionArn, accountId, codeName, logGroup, snapshotId ?? "", ...Object.entries(version.environment).flat()];
}

function textsOf(shared: readonly SharedValue[]): readonly string[] {
  return shared.map(({ value }: { readonly value: UniqueValue }) => value.text);
}
