/** Recent invocations and series, for those who watch. */
import { ApiError, notFound } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import type {
  FollowedInvocation,
  InvocationDetails,
  InvocationPage,
  InvocationWish,
  MinutePoint,
  StartMedians,
} from "../../ports/invocation-history.ts";
import { versionOfQualifier } from "../records/lookup.ts";
import type { ControlServices } from "../services.ts";

export interface DescribedInvocation extends InvocationDetails {
  readonly compared: StartMedians;
  /** Sequences of all runs of the request, the oldest first. */
  readonly runs: readonly number[];
}

interface Series {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly points: readonly MinutePoint[];
}

type Needs = Pick<ControlServices, "scope" | "store" | "history" | "clock">;

const MINUTE_MS = 60_000;

export class InvocationAdmin {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /** Throws ResourceNotFoundException for an unknown alias; a function that is gone may still have invocations. */
  async list(wish: InvocationWish, before: number | null, countMax: number): Promise<InvocationPage> {
    return this.#services.history.list(await this.#resolve(wish), before, countMax);
  }

  /** Goes on until the signal, with those that come together. Throws TooManyRequestsException where too many follow. */
  async follow(
    wish: InvocationWish,
    after: number | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly FollowedInvocation[]>> {
    const followed = this.#services.history.follow(await this.#resolve(wish), after, signal);
    if (followed === null)
      throw new ApiError("TooManyRequestsException", "Too many clients follow invocations. End one of them.");
    return followed;
  }

  /** `sequence`: null takes the last run. Throws ResourceNotFoundException for one that is not, or no more, known. */
  describe(requestId: string, sequence: number | null): DescribedInvocation {
    const { history } = this.#services;
    const runs = history.find(requestId);
    const run = sequence === null ? runs.at(-1) : runs.find((each) => each.sequence === sequence);
    if (run === undefined)
      throw notFound(
        `No invocation ${requestId.slice(0, 100)} is known. The last 200 of a function are kept, and none over a start of the server.`,
      );
    return {
      ...run,
      compared: history.medians(run.functionName, run.version),
      runs: runs.map((each) => each.sequence),
    };
  }

  /** `functionName`: null sums up all functions. */
  series(functionName: string | null, minutes: number): Series {
    const { scope, history, clock } = this.#services;
    const untilMs = (Math.floor(clock.nowMs() / MINUTE_MS) + 1) * MINUTE_MS;
    const name = functionName === null ? null : parseFunctionName(scope, functionName).name;
    return { fromMs: untilMs - minutes * MINUTE_MS, untilMs, points: history.series(name, minutes) };
  }

  /** A name may be an ARN, and have a qualifier. */
  async #resolve(wish: InvocationWish): Promise<InvocationWish> {
    if (wish.functionName === undefined) return wish;
    const { name, qualifier } = parseFunctionName(this.#services.scope, wish.functionName);
    const version = wish.version ?? qualifier ?? undefined;
    if (version === undefined) return { ...wish, functionName: name };
    return { ...wish, functionName: name, version: await versionOfQualifier(this.#services, name, version) };
  }
}
