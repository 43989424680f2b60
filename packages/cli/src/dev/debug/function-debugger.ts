/**
 * A function of the stack under a debugger: its variables start the runtime's debugger, the server lets it have time,
 * and a port of this host leads to it (docs/design/0033-debuggers.md).
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import type { AnswerOf } from "@thaw/thaw-api";
import type { Connection } from "../../connection.ts";
import { orNear } from "../../did-you-mean.ts";
import { isSettled } from "../code-update.ts";
import {
  type Language,
  languageOf,
  namesOfLanguages,
  type Variables,
  withDebugger,
  withoutDebugger,
} from "./languages.ts";
import { Relay } from "./relay.ts";

export interface FunctionDebuggerOptions {
  readonly connection: Connection;
  /** Logical id in the template, or name. */
  readonly wanted: string;
  /** Null: the language's own. */
  readonly port: number | null;
  readonly say: (text: string) => void;
}

/** The function that is debugged. */
interface Debugged {
  readonly functionName: string;
  readonly language: Language;
  readonly relay: Relay;
  readonly stop: AbortController;
  readonly following: Promise<void>;
}

type News = AnswerOf<"debugFunction">;

const AGAIN_MS = 1000;
const POLL_MS = 10;

export class FunctionDebugger {
  readonly #options: FunctionDebuggerOptions;
  #debugged: Debugged | null = null;
  /** Said once for all attempts of a debugger that looks for its program. */
  #hasSaidNone = false;

  constructor(options: FunctionDebuggerOptions) {
    this.#options = options;
  }

  /** Says what a run leaves that ends at once. Empty: nothing. */
  get remains(): string {
    const { wanted } = this.#options;
    return this.#debugged === null
      ? ""
      : ` ${this.#debugged.functionName} keeps the variables of its debugger until ${PROGRAM} dev --debug ${wanted} has ended once more`;
  }

  /**
   * Takes the functions of a stack that was just deployed: physical names, and folders of code, by logical id. Throws
   * CommandError where the function can't be debugged.
   */
  async take(names: ReadonlyMap<string, string>, folders: ReadonlyMap<string, string>): Promise<void> {
    // A change of the template has put another function in its place.
    if (![...names.values()].includes(this.#debugged?.functionName ?? "")) await this.close({ isKept: false });
    if (this.#debugged === null) {
      const logicalId = this.#find(names);
      await this.#begin(names.get(logicalId) ?? "", folders.get(logicalId) ?? null);
    }
    await this.#setVariables(true);
  }

  /** Publishes without a debugger that Init waits for: a clone of the snapshot waits instead. */
  async publishing(functionName: string, publish: () => Promise<void>): Promise<void> {
    if (functionName !== this.#debugged?.functionName) return publish();
    await this.#setVariables(false);
    try {
      await publish();
    } finally {
      await this.#setVariables(true);
    }
  }

  async goOn(): Promise<void> {
    if (this.#debugged === null) return;
    const parameters = { function: this.#debugged.functionName };
    const { continued } = await this.#options.connection.thaw.call("continueDebugged", { parameters });
    if (continued === 0) this.#options.say("no clone waits");
  }

  /** `isKept`: the function stays, and gets its variables back. */
  async close({ isKept }: { readonly isKept: boolean }): Promise<void> {
    const debugged = this.#debugged;
    if (debugged === null) return;
    try {
      await debugged.relay.close();
      if (isKept) await this.#setVariables(null);
      this.#debugged = null;
    } finally {
      debugged.stop.abort();
      await debugged.following;
    }
  }

  #find(names: ReadonlyMap<string, string>): string {
    const { wanted } = this.#options;
    const found = [...names].find(([logicalId, name]) => logicalId === wanted || name === wanted)?.[0];
    if (found !== undefined) return found;
    const there = names.size === 0 ? "it has none" : `there are ${[...names.keys()].join(", ")}`;
    throw new CommandError(
      `the stack has no function ${wanted} for --debug: ${there}${orNear(wanted, [...names].flat())}`,
    );
  }

  async #begin(functionName: string, folder: string | null): Promise<void> {
    const { connection, port: given, say } = this.#options;
    const config = await this.#settled(functionName);
    const language = debuggerOf(functionName, config);
    this.#checkPackage(language, config, folder);
    const relay = await Relay.open({
      thaw: connection.thaw,
      functionName,
      port: given ?? language.port,
      onRefused: (reason) => {
        if (!this.#hasSaidNone) say(`a debugger came, and found nothing: ${reason}`);
        this.#hasSaidNone = true;
      },
    });
    const stop = new AbortController();
    try {
      const first = await this.#open(functionName, stop.signal);
      this.#debugged = {
        functionName,
        language,
        relay,
        stop,
        following: this.#follow(functionName, first, stop.signal),
      };
    } catch (error) {
      await relay.close();
      throw error;
    }
    say(
      `${functionName} is debugged by ${language.name}'s debugger at 127.0.0.1:${relay.port}. Its timeouts stand still`,
    );
  }

  #checkPackage({ module }: Language, { Layers: layers = [] }: FunctionConfiguration, folder: string | null): void {
    if (module === null || folder === null || existsSync(join(folder, module, "__init__.py"))) return;
    if (layers.length === 0)
      throw new CommandError(`${folder} has no ${module}, which its debugger is: pip install ${module} -t ${folder}`);
    this.#options.say(`note: ${folder} has no ${module}: one of the function's layers must have it`);
  }

  #open(functionName: string, signal: AbortSignal): Promise<AsyncIterable<News>> {
    return this.#options.connection.thaw.open("debugFunction", { parameters: { function: functionName }, signal });
  }

  /** Follows until the end, also over a start of the server. Never rejects. */
  async #follow(functionName: string, first: AsyncIterable<News>, signal: AbortSignal): Promise<void> {
    const { say } = this.#options;
    let news: AsyncIterable<News> | null = first;
    while (!signal.aborted) {
      try {
        if (news === null) {
          news = await this.#open(functionName, signal);
          say(`${functionName} is debugged again`);
        }
        for await (const each of news) await this.#tell(each);
      } catch {
        // Mostly the server's end; those who follow invocations tell what it is.
      }
      if (signal.aborted) return;
      if (news !== null) say(`${functionName} is not debugged at the moment: the server has ended its answer`);
      news = null;
      await delay(AGAIN_MS, null, { signal }).catch(() => undefined);
    }
  }

  async #tell({ event, version }: News): Promise<void> {
    if (this.#debugged === null) return;
    const { functionName, relay } = this.#debugged;
    const { say } = this.#options;
    const shown = version === "$LATEST" ? functionName : `${functionName}:${version}`;
    const attach = `attach to 127.0.0.1:${relay.port}`;
    this.#hasSaidNone = false;
    if (event === "started")
      say(`${shown} ${version === "$LATEST" ? "waits for a debugger before its Init" : "is initialised"}: ${attach}`);
    if (event !== "restored") return;
    if (process.stdin.isTTY)
      return say(`${shown} is restored, and waits before its after-restore hooks: ${attach}, then press g`);
    say(`${shown} is restored. There is no terminal in which g could be pressed: it does not wait`);
    await this.goOn();
  }

  /** Null: without those of the debugger. */
  async #setVariables(waits: boolean | null): Promise<void> {
    if (this.#debugged === null) return;
    const { functionName, language } = this.#debugged;
    const { Environment } = await this.#settled(functionName);
    const before: Variables = Environment?.Variables ?? {};
    const wanted = waits === null ? withoutDebugger(before, language) : withDebugger(before, language, waits);
    if (isSame(before, wanted)) return;
    await (await this.#options.connection.lambda()).send(
      new UpdateFunctionConfigurationCommand({ FunctionName: functionName, Environment: { Variables: wanted } }),
    );
    await this.#settled(functionName);
  }

  async #settled(FunctionName: string): Promise<FunctionConfiguration> {
    for (;;) {
      const found = await (await this.#options.connection.lambda()).send(
        new GetFunctionConfigurationCommand({ FunctionName }),
      );
      if (isSettled(found)) return found;
      await delay(POLL_MS);
    }
  }
}

/** Throws CommandError where there is none. */
function debuggerOf(functionName: string, { PackageType, Runtime }: FunctionConfiguration): Language {
  const language = PackageType === "Image" ? null : languageOf(Runtime ?? "");
  if (language !== null) return language;
  const has = PackageType === "Image" ? "is an image" : `has the runtime ${String(Runtime)}`;
  throw new CommandError(`${functionName} ${has}: --debug is there for packages of ${namesOfLanguages()}`);
}

function isSame(a: Variables, b: Variables): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
