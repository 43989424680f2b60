/** Execution environments, for operators: listed and stopped. */
import type { EnvironmentSummary } from "../../ports/worker.ts";
import { versionOfQualifier } from "../records/lookup.ts";
import type { ControlServices } from "../services.ts";

/** Environments to stop. Without members: all of them. */
export interface StopWish {
  readonly functionName?: string | undefined;
  /** `$LATEST`, a number, or an alias of `functionName`. */
  readonly qualifier?: string | undefined;
  readonly keepParked: boolean;
}

export class EnvironmentAdmin {
  readonly #services: Pick<ControlServices, "scope" | "store" | "worker">;

  constructor(services: Pick<ControlServices, "scope" | "store" | "worker">) {
    this.#services = services;
  }

  async list(): Promise<readonly EnvironmentSummary[]> {
    return (await this.#services.worker.report()).environments;
  }

  /** Resolves to the number of environments told to stop. Throws ResourceNotFoundException for an unknown alias. */
  async stop({ functionName, qualifier, keepParked }: StopWish): Promise<number> {
    const version =
      functionName === undefined || qualifier === undefined
        ? qualifier
        : await versionOfQualifier(this.#services, functionName, qualifier);
    return this.#services.worker.stopEnvironments({
      ...(functionName === undefined ? {} : { functionName }),
      ...(version === undefined ? {} : { version }),
      keepParked,
    });
  }
}
