/**
 * Everything that listens on AWS_LAMBDA_RUNTIME_API inside one environment: gives each call to the part that owns its
 * route. The runtime's calls go to its session; extensions and telemetry will be parts beside it.
 */
import type { Clock } from "../../base/clock.ts";
import type { RuntimeCall } from "../../ports/supervisor.ts";
import { TEXT_HEADERS } from "./answers.ts";
import { CallBudget } from "./call-budget.ts";
import { answerCredentials, type CredentialsOptions } from "./credentials.ts";
import { parseRoute } from "./routes.ts";
import { type RuntimeEvent, RuntimeSession } from "./runtime.ts";

export interface EnvironmentApiOptions extends CredentialsOptions {
  readonly isSnapStart: boolean;
  readonly clock: Clock;
  readonly emit: (event: RuntimeEvent) => void;
}

export class EnvironmentApi {
  readonly session: RuntimeSession;
  readonly #options: EnvironmentApiOptions;
  readonly #budget: CallBudget;
  /** Calls beyond the budget, as the parts of this API know them. */
  readonly #late = new WeakMap<RuntimeCall, RuntimeCall>();

  constructor(options: EnvironmentApiOptions) {
    this.#options = options;
    this.#budget = new CallBudget(options.clock);
    this.session = new RuntimeSession(options.emit);
  }

  handleCall(came: RuntimeCall): void {
    const call = this.#budget.spend(came);
    if (call !== came) this.#late.set(came, call);
    const route = parseRoute(call.method, call.path, this.#options.isSnapStart);
    switch (route.kind) {
      case "runtime":
        return this.session.handleCall(call, route);
      case "credentials":
        return answerCredentials(call, this.#options);
      case "ping":
        return call.respond(200, TEXT_HEADERS, "pong");
      case "wrong-method":
        return call.respond(405, {}, "");
      case "not-found":
        return call.respond(404, TEXT_HEADERS, "404 page not found\n");
    }
  }

  /** Forgets a call whose client has hung up before it was answered. */
  handleAbandoned(call: RuntimeCall): void {
    this.session.handleAbandoned(this.#late.get(call) ?? call);
  }
}
