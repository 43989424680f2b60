/**
 * One extension as the Extensions API sees it. Names of the states and their texts are AWS's
 * (aws-lambda-runtime-interface-emulator, core/agent_state_names.go, and its 403 bodies).
 *
 *   Started ─► Registered ─► Ready ◄──► Running
 *      │           │ └─► InitError         │
 *      └► LaunchError   (Registered, Running) ─► ExitError
 *
 * Started and LaunchError are states of external extensions only: of programs of /opt/extensions.
 */
import type { RuntimeCall } from "../../ports/supervisor.ts";
import { JSON_HEADERS } from "./answers.ts";

export type ExtensionState = "Started" | "LaunchError" | "Registered" | "Ready" | "Running" | "InitError" | "ExitError";

export const EXTENSION_EVENTS = ["INVOKE", "SHUTDOWN"] as const;
export type ExtensionEventType = (typeof EXTENSION_EVENTS)[number];

/** An event for extensions: its document, and the headers that go with it. */
export interface EventForExtension {
  readonly type: ExtensionEventType;
  readonly headers: Readonly<Record<string, string>>;
  readonly document: Readonly<Record<string, unknown>>;
}

const ALLOWED: Readonly<Record<ExtensionState, readonly ExtensionState[]>> = {
  Started: ["LaunchError", "Registered"],
  LaunchError: [],
  Registered: ["Ready", "InitError", "ExitError"],
  Ready: ["Running"],
  Running: ["Ready", "ExitError"],
  InitError: [],
  ExitError: [],
};

/** An extension as it is told to the servers of clones. */
export interface KeptExtension {
  readonly id: string;
  readonly name: string;
  readonly isExternal: boolean;
  readonly events: readonly ExtensionEventType[];
}

export class Extension {
  /** The value of Lambda-Extension-Identifier. */
  readonly id: string;
  readonly name: string;
  readonly isExternal: boolean;
  #state: ExtensionState;
  #events: readonly ExtensionEventType[] = [];
  /** What it, or its start, said was wrong. */
  #errorType: string | null = null;
  /** The call of event/next that is being held. */
  #poll: RuntimeCall | null = null;
  /** An event that waits for the next poll. */
  #event: EventForExtension | null = null;

  constructor(options: { readonly id: string; readonly name: string; readonly isExternal: boolean }) {
    this.id = options.id;
    this.name = options.name;
    this.isExternal = options.isExternal;
    this.#state = "Started";
  }

  get state(): ExtensionState {
    return this.#state;
  }

  get events(): readonly ExtensionEventType[] {
    return this.#events;
  }

  get errorType(): string | null {
    return this.#errorType;
  }

  get kept(): KeptExtension {
    const { id, name, isExternal, events } = this;
    return { id, name, isExternal, events };
  }

  /** Moves on, or returns AWS's text about the move that is not allowed. `as`: what the text calls the extension. */
  move(to: ExtensionState, as: string, errorType: string | null = null): string | null {
    const from = this.#state;
    if (!ALLOWED[from].includes(to))
      return `State transition from ${from} to ${to} failed for extension ${as}. Error: State transition is not allowed`;
    this.#state = to;
    this.#errorType = errorType ?? this.#errorType;
    return null;
  }

  subscribe(events: readonly ExtensionEventType[]): void {
    this.#events = EXTENSION_EVENTS.filter((event) => events.includes(event));
  }

  /** True where a client that hung up on its poll may ask again: nothing else is being held. */
  get isWithoutPoll(): boolean {
    return this.#state === "Ready" && this.#poll === null;
  }

  /** Holds a poll, or answers it with the event that waits. */
  poll(call: RuntimeCall): void {
    this.#poll = call;
    this.#answer();
  }

  /** Hands the event to the extension, now or when it polls again. A later one takes the place of one that waits. */
  deliver(event: EventForExtension): void {
    this.#event = event;
    this.#answer();
  }

  forgetPoll(call: RuntimeCall): void {
    if (this.#poll === call) this.#poll = null;
  }

  /** Says whether it has done all that it was asked to. */
  get isAtRest(): boolean {
    return this.#state === "Ready" && this.#event === null;
  }

  #answer(): void {
    const [call, event] = [this.#poll, this.#event];
    if (call === null || event === null) return;
    this.#poll = null;
    this.#event = null;
    this.#state = "Running";
    call.respond(200, { ...JSON_HEADERS, ...event.headers }, JSON.stringify(event.document));
  }
}
