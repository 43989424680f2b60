/**
 * Everything that listens on AWS_LAMBDA_RUNTIME_API inside one environment: gives each call to the part that owns its
 * route: the runtime's calls to its session, those of extensions to the Extensions API and to that of subscriptions.
 */
import type { Clock } from "../../base/clock.ts";
import type { RuntimeCall } from "../../ports/supervisor.ts";
import { TEXT_HEADERS } from "./answers.ts";
import { CallBudget, LateCall } from "./call-budget.ts";
import { answerCredentials, type CredentialsOptions } from "./credentials.ts";
import { EXTENSIONS_MAX, type ExtensionNews, ExtensionsApi, type ExtensionsOptions } from "./extensions.ts";
import { answerMetadata, type MetadataOptions } from "./metadata.ts";
import { readKept, writeKept } from "./kept.ts";
import { parseRoute } from "./routes.ts";
import { type RuntimeEvent, RuntimeSession } from "./runtime.ts";
import { SubscriptionsApi, type SubscriptionsOptions } from "./subscriptions.ts";

/** What the processes of the environment did. */
export type ApiEvent = RuntimeEvent | ExtensionNews;

export interface EnvironmentApiOptions
  extends CredentialsOptions,
    MetadataOptions,
    Pick<ExtensionsOptions, "facts" | "onAdded">,
    Pick<SubscriptionsOptions, "onSubscribed"> {
  readonly isSnapStart: boolean;
  readonly clock: Clock;
  readonly emit: (event: ApiEvent) => void;
}

export class EnvironmentApi {
  readonly session: RuntimeSession;
  readonly extensions: ExtensionsApi;
  readonly subscriptions: SubscriptionsApi;
  readonly #options: EnvironmentApiOptions;
  readonly #budget: CallBudget;
  /** Calls beyond the budget, as the parts of this API know them. */
  readonly #late = new WeakMap<RuntimeCall, LateCall>();

  constructor(options: EnvironmentApiOptions) {
    this.#options = options;
    this.#budget = new CallBudget(options.clock);
    this.extensions = new ExtensionsApi(options);
    this.subscriptions = new SubscriptionsApi({ extensions: this.extensions, onSubscribed: options.onSubscribed });
    this.session = new RuntimeSession((event) => {
      if (event.kind === "restore-next" || event.kind === "invocation-next") this.extensions.close();
      options.emit(event);
    });
  }

  handleCall(came: RuntimeCall): void {
    const call = this.#budget.spend(came);
    if (call instanceof LateCall) this.#late.set(came, call);
    const route = parseRoute(call.method, call.path, this.#options.isSnapStart);
    switch (route.kind) {
      case "runtime":
        return this.session.handleCall(call, route);
      case "extension":
        return this.extensions.handleCall(call, route);
      case "subscription":
        return this.subscriptions.handleCall(call, route.api);
      case "credentials":
        return answerCredentials(call, this.#options);
      case "metadata":
        return answerMetadata(call, this.#options);
      case "ping":
        return call.respond(200, TEXT_HEADERS, "pong");
      case "wrong-method":
        return call.respond(405, {}, "");
      case "not-found":
        return call.respond(404, TEXT_HEADERS, "404 page not found\n");
    }
  }

  /** Writes down who is registered, and subscribed to what, for the servers of clones. Null where nobody is. */
  keep(): string | null {
    const extensions = this.extensions.all.map((extension) => extension.kept);
    return extensions.length === 0 ? null : writeKept({ extensions, subscriptions: this.subscriptions.all });
  }

  /** Takes over who was there when the snapshot was taken. */
  resume(text: string): void {
    const { extensions, subscriptions } = readKept(text, EXTENSIONS_MAX);
    this.extensions.resume(extensions);
    this.subscriptions.resume(subscriptions);
  }

  /** Forgets a call whose client has hung up before it was answered. */
  handleAbandoned(call: RuntimeCall): void {
    const late = this.#late.get(call);
    late?.drop();
    const known = late ?? call;
    this.session.handleAbandoned(known);
    this.extensions.handleAbandoned(known);
  }
}
