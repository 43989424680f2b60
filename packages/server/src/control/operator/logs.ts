/** Logs of functions, for operators. */
import { notFound } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { LATEST } from "../../model/function-record.ts";
import { defaultLogGroup, logGroupArn } from "../../model/log-group.ts";
import type { LogEvent } from "../../ports/log-store.ts";
import { findVersion } from "../records/lookup.ts";
import type { ControlServices } from "../services.ts";

export interface LogWish {
  /** Milliseconds since the epoch of the first event wanted. */
  readonly sinceMs: number;
  /** Goes on with new events until `signal`. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

type Needs = Pick<ControlServices, "scope" | "store" | "logs">;

export class FunctionLogs {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Reads events of all of a function's environments; where the name has a qualifier, of those of that version, or of
   * all versions that the alias chooses from. What was deleted is read as long as its log group is there. Throws
   * ResourceNotFoundException for what is unknown.
   */
  async read(functionName: string, wish: LogWish): Promise<AsyncIterable<readonly LogEvent[]>> {
    const { scope, store, logs } = this.#services;
    const { name, qualifier } = parseFunctionName(scope, functionName);
    if (await this.#isDeleted(name, qualifier)) {
      const latest = await store.getVersion(name, LATEST);
      const group = latest?.config.logGroup ?? defaultLogGroup(name);
      const arn = logGroupArn(scope, group);
      if (!(await logs.has(arn))) throw notFound(`Function not found: ${functionArn(scope, name, qualifier)}`);
      return logs.read(arn, { ...wish, ...(qualifier === null ? {} : { versions: [qualifier] }) });
    }
    const { alias, version } = await findVersion(this.#services, functionName, undefined);
    const versions = alias === null ? [version.version] : [alias.functionVersion, ...Object.keys(alias.weights)];
    const arn = logGroupArn(scope, version.config.logGroup);
    return logs.read(arn, { ...wish, ...(qualifier === null ? {} : { versions }) });
  }

  /** Whether a function or a version may have been there once: nothing is kept of deleted aliases. */
  async #isDeleted(name: string, qualifier: string | null): Promise<boolean> {
    const isNumber = qualifier !== null && /^\d+$/.test(qualifier);
    if (qualifier !== null && qualifier !== LATEST && !isNumber) return false;
    const { store } = this.#services;
    if ((await store.getVersion(name, qualifier ?? LATEST)) !== null) return false;
    const owner = await store.getFunction(name);
    return owner === null || (isNumber && Number(qualifier) <= owner.lastVersion);
  }
}
