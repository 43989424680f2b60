/**
 * The Telemetry API (`PUT /2022-07-01/telemetry`) and the older Logs API (`PUT /2020-08-15/logs`) of one environment:
 * who has subscribed to what. Extensions subscribe during Init, one time each, to one of the two APIs.
 */
import type { RuntimeCall } from "../../ports/supervisor.ts";
import { errorBody, JSON_HEADERS } from "./answers.ts";
import type { Extension } from "./extension.ts";
import { type ExtensionsApi, refuse } from "./extensions.ts";
import { readSubscription, type Subscription, type TelemetryApi } from "./subscription.ts";

const BODY_SIZE_BYTES_MAX = 8 * 1024;

/** AWS's names of the two. */
const NAMES = {
  telemetry: {
    title: "Telemetry API",
    closed: "Telemetry.SubscriptionClosed",
    closedText: "Telemetry API subscription is closed",
    invalid: "ValidationError",
  },
  logs: {
    title: "Logs API",
    closed: "Logs.SubscriptionClosed",
    closedText: "Logs API subscription is closed already",
    invalid: "Logs.ValidationError",
  },
} as const;

export interface SubscriptionsOptions {
  readonly extensions: ExtensionsApi;
  /** Called for each subscription that is new, or takes the place of the extension's last one. */
  readonly onSubscribed: (extension: Extension, subscription: Subscription) => void;
}

export class SubscriptionsApi {
  readonly #options: SubscriptionsOptions;
  readonly #byName = new Map<string, Subscription>();
  #isOpen = true;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get all(): ReadonlyMap<string, Subscription> {
    return this.#byName;
  }

  /** Closes subscription: Init is over. */
  close(): void {
    this.#isOpen = false;
  }

  handleCall(call: RuntimeCall, api: TelemetryApi): void {
    const extension = this.#options.extensions.findCaller(call);
    if (extension === null) return call.body.cancel();
    if (!this.#isOpen) {
      call.body.cancel();
      return refuse(call, NAMES[api].closed, NAMES[api].closedText);
    }
    call.body.keep(BODY_SIZE_BYTES_MAX, (kept) => {
      if (kept.kind === "cut") return;
      const subscription = kept.kind === "whole" ? readSubscription(api, kept.bytes) : "the request body is too large";
      this.#subscribe(call, api, extension, subscription);
    });
  }

  #subscribe(call: RuntimeCall, api: TelemetryApi, extension: Extension, asked: Subscription | string): void {
    const other = this.#byName.get(extension.name)?.api ?? api;
    const problem = other === api ? asked : `the extension has subscribed with the ${NAMES[other].title} already`;
    if (typeof problem === "string") return call.respond(400, JSON_HEADERS, errorBody(NAMES[api].invalid, problem));
    const isRepeated = JSON.stringify(this.#byName.get(extension.name)) === JSON.stringify(problem);
    if (!isRepeated) {
      this.#byName.set(extension.name, problem);
      this.#options.onSubscribed(extension, problem);
    }
    call.respond(200, JSON_HEADERS, '"OK"');
  }

  /** Takes over what was subscribed to when the snapshot was taken. */
  resume(kept: ReadonlyMap<string, Subscription>): void {
    this.#isOpen = false;
    for (const extension of this.#options.extensions.all) {
      const subscription = kept.get(extension.name);
      if (subscription === undefined) continue;
      this.#byName.set(extension.name, subscription);
      this.#options.onSubscribed(extension, subscription);
    }
  }
}
