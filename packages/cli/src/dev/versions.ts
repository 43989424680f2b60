/**
 * Aliases and versions during `thaw dev`. Saves go to `$LATEST`, and so do the stack's aliases, behind which APIs and
 * URLs are; `p` publishes a version for them to see it restored. What was is brought back at the end.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
} from "@aws-sdk/client-lambda";
import type { StackResourceSummary } from "@aws-sdk/client-cloudformation";
import { CommandError } from "@thaw/installation/command-error";

const LATEST = "$LATEST";
const POLL_MS = 50;

interface Alias {
  readonly functionName: string;
  readonly name: string;
  /** Where the stack has it. */
  readonly version: string;
  readonly weights: Readonly<Record<string, number>>;
}

export class Versions {
  readonly #lambda: () => Promise<LambdaClient>;
  readonly #say: (text: string) => void;
  #aliases: readonly Alias[] = [];
  /** Made by `publish`, by function. */
  readonly #published = new Map<string, string>();

  constructor(lambda: () => Promise<LambdaClient>, say: (text: string) => void) {
    this.#lambda = lambda;
    this.#say = say;
  }

  /** Takes the aliases of a stack that was just deployed, and lets them lead to `$LATEST`. */
  async take(resources: readonly StackResourceSummary[]): Promise<void> {
    const before = this.#aliases;
    const found: Alias[] = [];
    for (const { ResourceType: type, PhysicalResourceId: arn = "" } of resources) {
      if (type !== "AWS::Lambda::Alias") continue;
      const [functionName = "", name = ""] = arn.split(":").slice(-2);
      const now = await (await this.#lambda()).send(new GetAliasCommand({ FunctionName: functionName, Name: name }));
      const known = before.find((each) => each.functionName === functionName && each.name === name);
      const [version, weights] = [now.FunctionVersion ?? LATEST, now.RoutingConfig?.AdditionalVersionWeights ?? {}];
      // The stack has not touched an alias that still is where this command has put it.
      const isOurs = version === LATEST || this.#published.get(functionName) === version;
      if (known === undefined) this.#say(`${functionName}:${name} leads to ${LATEST} meanwhile, where saves go`);
      found.push(known !== undefined && isOurs ? known : { functionName, name, version, weights });
    }
    this.#aliases = found;
    for (const functionName of new Set(found.map((alias) => alias.functionName))) await this.#toLatest(functionName);
  }

  /** Takes the aliases of a function whose code is new from the version that `publish` has made to `$LATEST`. */
  async afterUpdate(functionName: string): Promise<void> {
    if (this.#published.has(functionName)) await this.#toLatest(functionName);
  }

  async #toLatest(functionName: string): Promise<void> {
    await this.#point(functionName, () => ({ version: LATEST, weights: {} }));
    await this.#removePublished(functionName);
  }

  /** Publishes a version, waits for its snapshot, and lets the function's aliases lead to it. */
  async publish(FunctionName: string): Promise<void> {
    const config = await (await this.#lambda()).send(new GetFunctionConfigurationCommand({ FunctionName }));
    if (config.SnapStart?.ApplyOn !== "PublishedVersions")
      return this.#say(`${FunctionName} has no SnapStart: nothing is published`);
    const startMs = performance.now();
    const before = await this.#versions(FunctionName);
    const { Version = "" } = await (await this.#lambda()).send(new PublishVersionCommand({ FunctionName }));
    await this.#active(FunctionName, Version);
    await this.#point(FunctionName, () => ({ version: Version, weights: {} }));
    if (this.#published.get(FunctionName) !== Version) await this.#removePublished(FunctionName);
    if (!before.has(Version)) this.#published.set(FunctionName, Version);
    const names = this.#aliases.flatMap((each) => (each.functionName === FunctionName ? [each.name] : []));
    const seconds = ((performance.now() - startMs) / 1000).toFixed(2);
    this.#say(
      `${FunctionName}: version ${Version} has its snapshot after ${seconds} s; ${names.length === 0 ? "invoke" : `${names.join(", ")} lead to it until the next save; invoke`} ${FunctionName}:${names[0] ?? Version}`,
    );
  }

  /** Brings aliases back to where the stack has them. */
  async putBack(): Promise<void> {
    for (const functionName of new Set([
      ...this.#aliases.map((each) => each.functionName),
      ...this.#published.keys(),
    ])) {
      await this.#point(functionName, (alias) => alias);
      await this.#removePublished(functionName);
    }
  }

  async #point(functionName: string, to: (alias: Alias) => Pick<Alias, "version" | "weights">): Promise<void> {
    for (const alias of this.#aliases) {
      if (alias.functionName !== functionName) continue;
      const { version, weights } = to(alias);
      const command = new UpdateAliasCommand({
        FunctionName: functionName,
        Name: alias.name,
        FunctionVersion: version,
        RoutingConfig: { AdditionalVersionWeights: { ...weights } },
      });
      await (await this.#lambda()).send(command).catch((error: unknown) => {
        this.#say(`${functionName}:${alias.name} can't lead to ${version}: ${(error as Error).message}`);
      });
    }
  }

  async #removePublished(FunctionName: string): Promise<void> {
    const Qualifier = this.#published.get(FunctionName);
    if (Qualifier === undefined) return;
    this.#published.delete(FunctionName);
    await (await this.#lambda())
      .send(new DeleteFunctionCommand({ FunctionName, Qualifier }))
      .catch((error: unknown) => {
        this.#say(`${FunctionName}:${Qualifier} stays: ${(error as Error).message}`);
      });
  }

  async #versions(FunctionName: string): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    let marker: string | undefined;
    do {
      const page = await (await this.#lambda()).send(
        new ListVersionsByFunctionCommand({ FunctionName, Marker: marker }),
      );
      for (const { Version = "" } of page.Versions ?? []) found.add(Version);
      marker = page.NextMarker;
    } while (marker !== undefined && marker !== "");
    return found;
  }

  async #active(FunctionName: string, Qualifier: string): Promise<void> {
    for (;;) {
      const found = await (await this.#lambda()).send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier }));
      if (found.State === "Active") return;
      if (found.State === "Failed")
        throw new CommandError(`${FunctionName}:${Qualifier} has no snapshot: ${found.StateReason ?? ""}`);
      await delay(POLL_MS);
    }
  }
}
