/** An extension as an agent: when it is ready, and what the end of its process means. */
import type { ProcessExit } from "../../ports/supervisor.ts";
import { describeStatus, type Failure } from "../function-errors.ts";
import type { Extension } from "../runtime-api/extension.ts";
import type { ExtensionsApi } from "../runtime-api/extensions.ts";
import type { Agent, Barrier } from "./registry.ts";

/** Names the process of an external extension to the supervisor. */
export function extensionProcess(name: string): string {
  return `extension/${name}`;
}

export class ExtensionAgent implements Agent {
  readonly name: string;
  readonly #extension: Extension;
  readonly #api: ExtensionsApi;

  constructor(extension: Extension, api: ExtensionsApi) {
    // An internal extension is a part of the runtime's process.
    this.name = extension.isExternal ? extensionProcess(extension.name) : `internal/${extension.name}`;
    this.#extension = extension;
    this.#api = api;
  }

  /** A restore tells extensions nothing: they wake in event/next, and get the next INVOKE. */
  isExpectedAt(barrier: Barrier): boolean {
    switch (barrier) {
      case "registered":
        return this.#extension.isExternal;
      case "init":
      case "clone":
        return true;
      case "restore":
      case "runtime":
        return false;
      case "invoke":
        return this.#extension.events.includes("INVOKE");
    }
  }

  isReadyAt(barrier: Barrier): boolean {
    return barrier === "registered" ? this.#extension.state !== "Started" : this.#extension.isAtRest;
  }

  async toFailure(exit: ProcessExit): Promise<Failure> {
    return { kind: "exit", errorType: this.#api.firstFatal ?? "Extension.Crash", message: describeStatus(exit) };
  }
}
