/**
 * The Extensions API of one environment (`/2020-01-01/extension`): who registers, what the calls answer, and who is
 * subscribed to what. Codes and texts are AWS's (environment-behaviour, section 2; rapi/handler and
 * core/registrations.go of aws-lambda-runtime-interface-emulator). All errors are 403.
 *
 * An extension is external where its name is that of a started program of /opt/extensions, and internal elsewhere.
 */
import { systemRandom } from "../../base/random.ts";
import type { RuntimeCall } from "../../ports/supervisor.ts";
import { ACCEPTED_BODY, errorBody, JSON_HEADERS } from "./answers.ts";
import {
  type EventForExtension,
  EXTENSION_EVENTS,
  Extension,
  type ExtensionEventType,
  type KeptExtension,
} from "./extension.ts";
import type { ExtensionRoute } from "./routes.ts";

/** AWS's limit of extensions of one environment, external and internal. */
export const EXTENSIONS_MAX = 10;
const BODY_SIZE_BYTES_MAX = 64 * 1024;
/** As long as a file's name may be. What all names come to has to fit into a snapshot's notes. */
const NAME_LENGTH_MAX = 255;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** `extension`: one has registered, asked for its next event, or told an error. */
export interface ExtensionNews {
  readonly kind: "extension";
}

/** What the answer to a registration says of the function. */
export interface FunctionFacts {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly handler: string;
  readonly accountId: string;
}

export interface ExtensionsOptions {
  readonly facts: FunctionFacts;
  readonly emit: (news: ExtensionNews) => void;
  /** Called for each extension as soon as it is known: an external one when its program is started. */
  readonly onAdded: (extension: Extension) => void;
}

/** AWS's types of the first thing that went wrong with an extension. */
export type ExtensionFatal = "Extension.LaunchError" | "Extension.InitError" | "Extension.ExitError";

export class ExtensionsApi {
  readonly #options: ExtensionsOptions;
  readonly #byName = new Map<string, Extension>();
  #isOpen = true;
  #firstFatal: ExtensionFatal | null = null;

  constructor(options: ExtensionsOptions) {
    this.#options = options;
  }

  get all(): readonly Extension[] {
    return [...this.#byName.values()];
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get firstFatal(): ExtensionFatal | null {
    return this.#firstFatal;
  }

  /** Finds the extension of a call. Answers the call and returns null where there is none. */
  findCaller(call: RuntimeCall): Extension | null {
    const id = call.headers.get("lambda-extension-identifier") ?? "";
    if (id === "") refuse(call, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header");
    else if (!UUID.test(id))
      refuse(call, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier");
    else {
      const found = this.all.find((extension) => extension.id === id.toLowerCase() && extension.state !== "Started");
      if (found !== undefined) return found;
      refuse(call, "Extension.UnknownExtensionIdentifier", `Unknown extension ${id}`);
    }
    return null;
  }

  /** Adds the program of an external extension before it is started. */
  addExternal(name: string): Extension {
    return this.#add(name, true);
  }

  /** Notes that a program could not be started. */
  failLaunch(extension: Extension, errorType: string): void {
    extension.move("LaunchError", extension.name, errorType);
    this.#firstFatal ??= "Extension.LaunchError";
  }

  /** Closes registration: the runtime has asked for its first event. */
  close(): void {
    this.#isOpen = false;
  }

  /** Hands an event to all that are subscribed to it. */
  deliver(event: EventForExtension): void {
    for (const extension of this.#byName.values()) {
      if (extension.events.includes(event.type)) extension.deliver(event);
    }
  }

  handleCall(call: RuntimeCall, { action }: ExtensionRoute): void {
    if (action === "register") {
      call.body.keep(BODY_SIZE_BYTES_MAX, (kept) => {
        if (kept.kind === "whole") this.#register(call, kept.bytes);
        else if (kept.kind === "too-large") refuse(call, "InvalidRequestFormat", "The body is too large");
      });
      return;
    }
    const extension = this.findCaller(call);
    if (extension === null) return call.body.cancel();
    if (action === "event-next") return this.#handleNext(call, extension);
    call.body.keep(BODY_SIZE_BYTES_MAX, (kept) => {
      if (kept.kind !== "cut") this.#handleError(call, extension, action);
    });
  }

  handleAbandoned(call: RuntimeCall): void {
    for (const extension of this.#byName.values()) extension.forgetPoll(call);
  }

  /** Takes over who was registered when the snapshot was taken. */
  resume(kept: readonly KeptExtension[]): void {
    this.#isOpen = false;
    for (const { id, name, isExternal, events } of kept) {
      const extension = this.#add(name, isExternal, id);
      extension.subscribe(events);
      extension.move("Registered", name);
    }
  }

  #add(name: string, isExternal: boolean, id: string = systemRandom.uuid()): Extension {
    const extension = new Extension({ id, name, isExternal });
    this.#byName.set(name, extension);
    this.#options.onAdded(extension);
    return extension;
  }

  #register(call: RuntimeCall, body: Buffer): void {
    const name = call.headers.get("lambda-extension-name") ?? "";
    if (name === "") return refuse(call, "Extension.InvalidExtensionName", "Empty extension name");
    if (name.length > NAME_LENGTH_MAX)
      return refuse(call, "Extension.InvalidExtensionName", "The extension name is too long");
    const asked = readRegistration(body);
    if (typeof asked === "string") return refuse(call, "InvalidRequestFormat", asked);
    const known = this.#byName.get(name);
    const isExternal = known?.isExternal === true;
    const wrong = asked.map((event) => eventProblem(event, isExternal)).find((problem) => problem !== null);
    if (wrong !== undefined) return refuse(call, "Extension.InvalidEventType", wrong);
    if (!isExternal && !this.#mayAddInternal(call, known)) return undefined;
    const extension = known ?? this.#add(name, false);
    const problem = extension.move("Registered", name);
    if (problem !== null) return refuse(call, "Extension.InvalidExtensionState", problem);
    extension.subscribe(asked as readonly ExtensionEventType[]);
    this.#answerRegistration(call, extension);
    this.#options.emit({ kind: "extension" });
  }

  #mayAddInternal(call: RuntimeCall, known: Extension | undefined): boolean {
    if (!this.#isOpen) refuse(call, "Extension.RegistrationClosed", "Extension registration closed already");
    else if (known !== undefined)
      refuse(call, "Extension.InvalidExtensionState", "Extension with this name already registered");
    else if (this.#byName.size >= EXTENSIONS_MAX)
      refuse(call, "Extension.TooManyExtensions", `Extension limit (${EXTENSIONS_MAX}) reached`);
    else return true;
    return false;
  }

  #answerRegistration(call: RuntimeCall, extension: Extension): void {
    const { functionName, functionVersion, handler, accountId } = this.#options.facts;
    const features = (call.headers.get("lambda-extension-accept-feature") ?? "").split(",");
    const wantsAccount = features.some((feature) => feature.trim() === "accountId");
    const body = { functionName, functionVersion, handler, ...(wantsAccount ? { accountId } : {}) };
    const headers = { ...JSON_HEADERS, "Lambda-Extension-Identifier": extension.id };
    call.respond(200, headers, JSON.stringify(body));
  }

  #handleNext(call: RuntimeCall, extension: Extension): void {
    call.body.cancel();
    // A client that hung up on its poll and asks again is still where it was.
    const problem = extension.isWithoutPoll ? null : extension.move("Ready", extension.id);
    if (problem !== null) return refuse(call, "Extension.InvalidExtensionState", problem);
    extension.poll(call);
    this.#options.emit({ kind: "extension" });
  }

  #handleError(call: RuntimeCall, extension: Extension, action: "init-error" | "exit-error"): void {
    const errorType = call.headers.get("lambda-extension-function-error-type") ?? "";
    if (errorType === "")
      return refuse(call, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found");
    const to = action === "init-error" ? "InitError" : "ExitError";
    const problem = extension.move(to, extension.id, errorType);
    if (problem !== null) return refuse(call, "Extension.InvalidExtensionState", problem);
    this.#firstFatal ??= `Extension.${to}`;
    call.respond(202, JSON_HEADERS, ACCEPTED_BODY);
    this.#options.emit({ kind: "extension" });
  }
}

export function refuse(call: RuntimeCall, errorType: string, message: string): void {
  call.respond(403, JSON_HEADERS, errorBody(errorType, message));
}

/** Returns AWS's text about an event that can't be subscribed to; null where it can. */
function eventProblem(event: string, isExternal: boolean): string | null {
  if (!(EXTENSION_EVENTS as readonly string[]).includes(event)) return `${event}: ErrorInvalidEventType`;
  if (event === "SHUTDOWN" && !isExternal) return "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension";
  return null;
}

/** Returns the events of a registration, or what is wrong with its body. */
function readRegistration(body: Buffer): readonly string[] | string {
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch (error) {
    return error instanceof Error ? error.message : "not JSON";
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) return "the body is not an object";
  const { events, configurationKeys } = document as Record<string, unknown>;
  if (Array.isArray(configurationKeys) && configurationKeys.length > 0)
    return "configurationKeys are deprecated; use environment variables instead";
  if (events === undefined || events === null) return [];
  const isText = (event: unknown): event is string => typeof event === "string";
  return Array.isArray(events) && events.every(isText) ? events : "events is not a list of strings";
}
