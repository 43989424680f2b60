/**
 * `thaw check`: restores clones of a version's snapshot, gives them the same event, and tells what they share. Between
 * the clones a fresh environment gets the event, which tells the values that all clones have from the Init that was
 * snapshotted.
 */
import { invalidParameter } from "../../model/api-error.ts";
import { type CloneAnswer, compareClones, INIT_MS_MAX, type SharedValue } from "../../model/compare-clones.ts";
import { type GivenTexts, givenTexts } from "../../model/given-texts.ts";
import { slowClocks } from "../../model/slow-clocks.ts";
import { isPlaceOfRequest } from "../../model/sent-requests.ts";
import { formsInMemory, type UniqueValue } from "../../model/unique-values.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import type { InvokeOperation } from "../invoke/invoke.ts";
import { findVersion } from "../records/lookup.ts";
import { toRunnableVersion } from "../records/runnable-version.ts";
import type { ControlServices } from "../services.ts";
import {
  agesOf,
  answersOf,
  compareWithFresh,
  type RanEnvironments,
  type RunEnvironment,
  runEnvironments,
} from "./fresh-environment.ts";
import { judge } from "./findings.ts";
import type { CheckReport } from "@thaw/thaw-api/check-report";
import { addressesOfInit } from "./old-addresses.ts";
import { EVENT_SIZE_MAX, knownTexts } from "./known-texts.ts";
import { runClone } from "./run-clones.ts";
import { describe } from "./describe.ts";
import type { CheckFacts } from "./facts.ts";

/** Input as a client gives it, not checked yet. */
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

const CLONES_MIN = 2;
const CLONES_MAX = 5;
/** Size of all needles of one search: a request to sandboxd is one line of 64 KiB. */
const NEEDLES_SIZE_BYTES_MAX = 24 * 1024;
const SECRET_NAME = /secret|token|passw|api_?key|private|credential/i;
const SECRET_SIZE_MIN = 8;
/** A value that names the place of a secret and is none itself: an ARN, or a URL without a password in it. */
const SECRET_PLACE = /^(arn:|[a-z]+:\/\/[^@]*$)/;

type Needs = Pick<ControlServices, "scope" | "store" | "code" | "logs" | "worker" | "clock" | "random">;

export class CheckOperation {
  readonly #services: Needs;
  readonly #invoke: InvokeOperation;

  constructor(services: Needs, invoke: InvokeOperation) {
    this.#services = services;
    this.#invoke = invoke;
  }

  async check(input: CheckInput): Promise<CheckReport> {
    const { clock, scope } = this.#services;
    const startMs = clock.monotonicMs();
    const request = readRequest(input);
    const { owner, version } = await findVersion(this.#services, request.function, undefined);
    await this.#invoke.checkInvocable(version);
    const facts = version.snapshotFacts;
    if (version.snapshotId === null || facts === null) {
      throw invalidParameter(
        `${version.functionName}:${version.version} has no snapshot to check. Name a published version of a function with SnapStart: NAME:VERSION.`,
      );
    }
    const runnable = toRunnableVersion(scope, owner, version);
    const invokedAtMs = clock.nowMs();
    const run: RunEnvironment = (one, invokes) =>
      runClone(this.#services, one, {
        runKey: `check-${this.#services.random.uuid()}`,
        payload: request.payload,
        invokes,
      });
    const ran = await runEnvironments(run, runnable, request.clones);
    const { clones, fresh } = ran;
    const given = givenTexts(request.event);
    const known = { given: given.texts, texts: knownTexts(runnable, request.payload) };
    const isKnown = (text: string): boolean => known.texts.some((each) => each.includes(text));
    const context = { isKnown, given: known.given, snapshotCreatedAtMs: facts.createdAtMs, invokedAtMs };
    const candidates = compareClones(answersOf(clones), context);
    const inCode = await this.#textsInCode(runnable, textsOf(candidates));
    const shared = candidates.filter((each) => !inCode.has(each.value.text));
    const found = await this.#search(runnable, shared);
    const looksAtRows = shared.every((each) => each.kind !== "repeated");
    const compared = await compareWithFresh(run, runnable, ran, { given: known.given, looksAtRows });
    const addresses = addressesOfInit(clones, isKnown);
    const written = await this.#textsInCode(runnable, addresses);
    const seen: CheckFacts = {
      clones,
      fresh,
      cutConnections: facts.cutConnections ?? null,
      ...found,
      shared: found.shared.map((each) => ({ ...each, ...elsewhere(ran, each.value) })),
      ages: await agesOf(run, runnable, ran, {
        given: known.given,
        earliestMs: facts.createdAtMs - INIT_MS_MAX,
        latestMs: facts.createdAtMs,
        again: compared.again,
        clock,
      }),
      slowClocks: slowClocks(answersOf(clones), fresh?.answers ?? null, context),
      kept: compared.kept,
      rows: compared.rows,
      oldAddresses: addresses.filter((address) => !written.has(address)),
      limits: [...ran.limits, ...compared.limits, ...found.limits, ...limitsOfSizes(ran, given, request.payload)],
    };
    return describe(runnable, facts, seen, judge(seen), clock.monotonicMs() - startMs);
  }

  /** Those of `texts` that the package or the layers have in a file. */
  async #textsInCode({ codeName, optName }: RunnableVersion, texts: readonly string[]): Promise<ReadonlySet<string>> {
    const inPackage = await this.#services.code.findTexts(codeName, texts);
    if (optName === null) return inPackage;
    return new Set([...inPackage, ...(await this.#services.code.findTexts(optName, texts))]);
  }

  async #search(
    version: RunnableVersion,
    shared: readonly SharedValue[],
  ): Promise<
    { readonly shared: ReadonlyArray<SharedValue & { readonly placesInMemory: number }> } & Pick<
      CheckFacts,
      "contents" | "secretVariables" | "limits"
    >
  > {
    const variables = Object.entries(version.environment).filter(
      ([name, value]) => SECRET_NAME.test(name) && value.length >= SECRET_SIZE_MIN && !SECRET_PLACE.test(value),
    );
    const groups = [
      ...variables.map(([, value]) => [Buffer.from(value.slice(0, 1024))]),
      ...shared.map(({ value }) => formsInMemory(value)),
    ];
    let size = 0;
    const searched = groups.map((forms) => {
      size += forms.reduce((sum, form) => sum + form.length, 0);
      return size > NEEDLES_SIZE_BYTES_MAX ? [] : forms;
    });
    const contents = await this.#services.worker.inspectSnapshot(version, searched.flat());
    let next = 0;
    const places = searched.map((forms) => forms.reduce((sum) => sum + (contents.needles[next++] ?? 0), 0));
    const left = searched.filter((forms) => forms.length === 0).length;
    return {
      contents,
      secretVariables: variables.filter((_variable, number) => (places[number] ?? 0) > 0).map(([name]) => name),
      shared: shared.map((each, number) => ({ ...each, placesInMemory: places[variables.length + number] ?? 0 })),
      limits:
        left === 0
          ? []
          : [
              `${left} of ${groups.length} values were not looked for in the snapshot's memory: they are too many or too long for one search.`,
            ],
    };
  }
}

function limitsOfSizes({ clones, fresh }: RanEnvironments, given: GivenTexts, payload: Buffer): readonly string[] {
  const isCut = [...clones, ...(fresh === null ? [] : [fresh])].some((each) => each.isCut);
  return [
    ...(isCut
      ? ["An answer or a log was longer than 1 MiB: only its beginning was compared, an answer as plain text."]
      : []),
    ...(payload.length > EVENT_SIZE_MAX
      ? ["The event is longer than 256 KiB: a value that an answer has from behind that may be shown for it."]
      : []),
    ...(given.isWhole
      ? []
      : [
          `The event has more than ${given.texts.length} texts: an answer that repeats one of the others may be shown for it. Give a smaller event.`,
        ]),
  ];
}

/** Tells where else the value is. A fresh environment whose requests could not be read is taken to have sent it. */
function elsewhere(
  { clones, fresh }: RanEnvironments,
  { text, place }: UniqueValue,
): { readonly isInFresh: boolean; readonly isOnlySent: boolean } {
  const isOnlySent =
    isPlaceOfRequest(place) && !clones.some(({ answers }) => answers.some((answer) => says(answer, text)));
  const isUnread = isOnlySent && fresh?.sent === null;
  return {
    isOnlySent,
    isInFresh:
      fresh !== null && (isUnread || fresh.answers.some((answer) => says(answer, text) || sends(answer, text))),
  };
}

function says({ payload, log }: CloneAnswer, text: string): boolean {
  return payload.includes(text) || log.some((line) => line.includes(text));
}

function sends({ sent }: CloneAnswer, text: string): boolean {
  return sent.some((part) => part.text.includes(text));
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

function textsOf(shared: readonly SharedValue[]): readonly string[] {
  return shared.map(({ value }: { readonly value: UniqueValue }) => value.text);
}
