/** The stack and its functions during `thaw dev`: deployed by a change of the template, updated by a save of code. */
import { join } from "node:path";
import { ResourceConflictException } from "@aws-sdk/client-lambda";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { readSections, templateOf } from "@thaw/template/template";
import type { StackClients } from "../aws-clients.ts";
import type { Connection } from "../connection.ts";
import { deployStack } from "../deploy/deploy.ts";
import { packageCode } from "../deploy/package-code.ts";
import { readParameterOverrides } from "../deploy/parameter-overrides.ts";
import { listResources } from "../deploy/results.ts";
import type { ReviewOptions } from "../deploy/review.ts";
import { findStack, shownParameters } from "../deploy/stack.ts";
import { missingHandler } from "../handler/missing-handler.ts";
import { isServerAway } from "../errors.ts";
import { putCode } from "./code-update.ts";
import type { FunctionDebugger } from "./debug/function-debugger.ts";
import { bundle, type EsbuildOptions, inputsOutside } from "../deploy/esbuild.ts";
import { FolderWatch } from "./folder-watch.ts";
import { JavaBuilds } from "./java.ts";
import { type LocalFunction, type LocalTemplate, readLocalTemplate } from "./local-template.ts";
import { type Saved, Saves } from "./saves.ts";
import { type Look, Sources } from "./syntax.ts";
import { Versions } from "./versions.ts";

export interface SessionOptions {
  readonly connection: Connection;
  readonly clients: StackClients;
  /** The template's file. */
  readonly path: string;
  readonly stackName: string;
  readonly options: ReviewOptions;
  /** Folder for what is built. */
  readonly builds: string;
  /** Null: no function is debugged. */
  readonly debug: FunctionDebugger | null;
  readonly say: (text: string) => void;
}

const AGAIN_MS = 1000;

export class Session {
  readonly versions: Versions;
  readonly #context: SessionOptions;
  readonly #watch = new FolderWatch((root) => this.#saves.add(root));
  readonly #saves = new Saves(() => void this.#begin());
  readonly #sources = new Sources();
  readonly #java = new JavaBuilds();
  /** Notes that were said: each is said once. */
  readonly #noted = new Set<string>();
  /** Null before the first deployment. */
  #local: LocalTemplate | null = null;
  /** Files outside of CodeUri that a bundle has taken in, by logical id. */
  readonly #shared = new Map<string, readonly string[]>();
  /** Physical names by logical id. */
  #names: ReadonlyMap<string, string> = new Map();
  /** Logical ids of functions whose last save could not be used. */
  readonly #broken = new Set<string>();
  #isWaitingToDeploy = false;
  #signal: AbortSignal | null = null;
  #running: Promise<void> | null = null;
  /** The last of what is done one after the other. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Saves that come again: no server answered, or somebody else was changing the function. */
  readonly #again = new Map<string, NodeJS.Timeout>();

  constructor(context: SessionOptions) {
    this.#context = context;
    this.versions = new Versions(context.connection.lambda, context.say);
  }

  get clients(): StackClients {
    return this.#context.clients;
  }

  /** Names of the stack's functions. */
  get names(): ReadonlySet<string> {
    return new Set(this.#names.values());
  }

  /** Deploys for the first time. Throws CommandError where that fails. */
  async start(): Promise<void> {
    const local = await this.#read();
    // What a build makes is looked at by the build; its folder has the packages of the whole project.
    for (const { path, runtime, esbuild, java } of local.functions)
      if (esbuild === null && java === null) this.#sources.accept(path, runtime);
    const built = await this.#buildAll(local);
    if (built === null) throw new CommandError("nothing was deployed");
    await this.#deploy(local, built);
    const code = local.functions.map(({ logicalId }) => logicalId).join(", ");
    this.#context.say(code === "" ? "watching the template: it names no code here" : `watching the code of ${code}`);
  }

  /** Follows what is saved until the signal, or `close`. What was saved since the start is done now. */
  work(signal: AbortSignal): void {
    this.#signal = signal;
    void this.#begin();
  }

  /** Waits for what is being done. */
  async close(): Promise<void> {
    this.#watch.close();
    this.#saves.close();
    await this.#running;
    await this.#tail;
    for (const timer of this.#again.values()) clearTimeout(timer);
    this.#signal = null;
  }

  async makeCold(): Promise<void> {
    let stopped = 0;
    for (const name of this.names)
      stopped += (await this.#context.connection.thaw.call("stopEnvironments", { body: { function: name } })).stopped;
    this.#context.say(`${stopped} environments stopped: the next invoke of each function is cold`);
  }

  publish(): Promise<void> {
    return this.#alone(async () => {
      for (const name of this.names) {
        const publish = (): Promise<void> => this.versions.publish(name);
        await (this.#context.debug?.publishing(name, publish) ?? publish());
      }
    });
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** One after the other: what was saved last is in the functions last. */
  async #begin(): Promise<void> {
    if (this.#running !== null || this.#signal === null) return;
    this.#running = this.#takeAll();
    await this.#running;
    this.#running = null;
  }

  async #takeAll(): Promise<void> {
    while (this.#signal?.aborted === false) {
      const saved = this.#saves.take();
      if (saved === null) return;
      try {
        await this.#alone(() => this.#take(saved));
      } catch (error) {
        this.#context.say(describeFailure(error));
      }
    }
  }

  async #take({ roots, atMs }: Saved): Promise<void> {
    this.#watch.refresh();
    const local = this.#local;
    if (local === null) return;
    if (this.#isWaitingToDeploy || local.others.some((path) => roots.has(path))) return this.#deployAgain();
    const changed = local.functions.filter((each) => this.#sourcesOf(each).some((path) => roots.has(path)));
    // The stack has none for it: its deployment has failed, perhaps for the want of what was saved now.
    if (changed.some(({ logicalId }) => !this.#names.has(logicalId))) return this.#deployAgain();
    await Promise.all(changed.map((each) => this.#update(each, atMs)));
  }

  async #deployAgain(): Promise<void> {
    this.#isWaitingToDeploy = true;
    const local = await this.#read();
    const built = await this.#buildAll(local);
    if (built === null) return this.#context.say("the stack is as it was; it is deployed when the code is whole");
    this.#isWaitingToDeploy = false;
    await this.#deploy(local, built);
  }

  /** Reads the template, and watches what it names from then on. */
  async #read(): Promise<LocalTemplate> {
    const { clients, connection, path, stackName, options, say } = this.#context;
    const stack = await findStack(clients, stackName);
    const declared = Object.keys(templateOf(readSections(path), path).parameters);
    const overrides = readParameterOverrides(options.parameterOverrides ?? [], declared);
    const place = { region: connection.region, accountId: clients.accountId, stackName };
    const local = readLocalTemplate(path, { ...place, parameters: { ...shownParameters(stack), ...overrides } });
    for (const note of local.notes) {
      if (!this.#noted.has(note)) say(`note: ${note}`);
      this.#noted.add(note);
    }
    this.#local = local;
    this.#watchAll(local);
    return local;
  }

  #sourcesOf({ logicalId, sources }: LocalFunction): readonly string[] {
    return [...sources, ...(this.#shared.get(logicalId) ?? [])];
  }

  #watchAll({ others, functions }: LocalTemplate): void {
    this.#watch.setRoots([...others, ...functions.flatMap((each) => this.#sourcesOf(each))]);
  }

  async #deploy(local: LocalTemplate, built: ReadonlyMap<string, string>): Promise<void> {
    const { clients, connection, path, stackName, options } = this.#context;
    try {
      await deployStack(connection, path, { ...options, stackName }, built);
    } finally {
      // Also after a deployment that was taken back: functions have the code of the stack then, not that of the disk.
      await this.#adopt(local, clients, stackName);
    }
  }

  async #adopt(local: LocalTemplate, clients: StackClients, stackName: string): Promise<void> {
    const stack = await findStack(clients, stackName);
    if (stack === null) return;
    const resources = await listResources(clients, stackName);
    this.#names = new Map(
      resources.flatMap(({ ResourceType, LogicalResourceId: id, PhysicalResourceId: name }) =>
        ResourceType === "AWS::Lambda::Function" && id !== undefined && name !== undefined ? [[id, name]] : [],
      ),
    );
    await this.versions.take(resources);
    await Promise.all(local.functions.map((each) => this.#update(each, null)));
    await this.#context.debug?.take(this.#names, new Map(local.functions.map((each) => [each.logicalId, each.path])));
    for (const { OutputKey: key = "", OutputValue: value = "" } of stack.Outputs ?? [])
      this.#context.say(`${key} = ${value}`);
  }

  /** Paths of what was built, by logical id; null: something is broken, which was said. */
  async #buildAll(local: LocalTemplate): Promise<ReadonlyMap<string, string> | null> {
    const built = new Map<string, string>();
    let isWhole = true;
    for (const each of local.functions) {
      const path = await this.#build(each);
      if (path === null) isWhole = false;
      else if (path !== each.path) built.set(each.logicalId, path);
    }
    return isWhole ? built : null;
  }

  /** The path of what goes into the function; null: it is broken, which was said. */
  async #build(local: LocalFunction): Promise<string | null> {
    const { logicalId } = local;
    const { problem: fault, note } = await this.#look(local);
    const problem = fault ?? (await this.#lookForHandler(local));
    if (note !== null && !this.#noted.has(note)) this.#context.say(`note: ${note}`);
    if (note !== null) this.#noted.add(note);
    if (problem === null) {
      this.#broken.delete(logicalId);
      return this.#builtPath(local);
    }
    this.#broken.add(logicalId);
    this.#context.say(`${logicalId}: this save is broken, and the code so far stays:\n${problem}`);
    return null;
  }

  #builtPath({ logicalId, path, esbuild, java }: LocalFunction): string {
    return esbuild !== null || java?.makes === "folder" ? join(this.#context.builds, logicalId) : path;
  }

  async #look(local: LocalFunction): Promise<Look> {
    const { path, runtime, esbuild, java } = local;
    const to = this.#builtPath(local);
    if (esbuild !== null) return { problem: await this.#bundle(local, esbuild, to), note: null };
    if (java !== null) return { problem: await this.#java.build(java, to), note: null };
    return this.#sources.look(path, runtime);
  }

  async #bundle({ logicalId, path }: LocalFunction, esbuild: EsbuildOptions, to: string): Promise<string | null> {
    const metafile = `${to}.json`;
    const problem = await bundle(path, esbuild, to, metafile);
    if (problem !== null) return problem;
    const before = this.#shared.get(logicalId) ?? [];
    const shared = inputsOutside(path, metafile);
    const fresh = shared.filter((each) => !before.includes(each));
    if (fresh.length === 0 && before.length === shared.length) return null;
    this.#shared.set(logicalId, shared);
    if (this.#local !== null) this.#watchAll(this.#local);
    // They may have been saved before they were watched.
    for (const each of fresh) this.#saves.add(each);
    return null;
  }

  #lookForHandler(local: LocalFunction): Promise<string | null> {
    const { entrance, esbuild, path } = local;
    if (entrance === null) return Promise.resolve(null);
    return missingHandler(entrance, esbuild === null ? this.#builtPath(local) : path, esbuild !== null);
  }

  /** `savedMs`: null after a deployment. */
  async #update(local: LocalFunction, savedMs: number | null): Promise<void> {
    const { connection, say } = this.#context;
    const name = this.#names.get(local.logicalId);
    if (name === undefined) return;
    const wasBroken = this.#broken.has(local.logicalId);
    const [root = local.path] = local.sources;
    try {
      // A jar that is built again differs by its times, and what was deployed was built just now.
      const isBuilt = savedMs === null && local.java !== null;
      const path = isBuilt ? this.#builtPath(local) : await this.#build(local);
      if (path === null) return;
      const isNew = await putCode(await connection.lambda(), name, await packageCode(path, ".", local.primes));
      this.#again.delete(root);
      if (isNew) await this.versions.afterUpdate(name);
      const ms = savedMs === null ? "" : ` ${(performance.now() - savedMs).toFixed(0)} ms after the save`;
      if (isNew) say(`${name}: new code is ready${ms}`);
      else if (wasBroken) say(`${name}: the code is whole again, and as the function has it`);
    } catch (error) {
      // It was there when the folder was listed: a tool is at work, whose next step is another save.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") this.#saves.add(root);
      const isTold = this.#again.has(root);
      const comesAgain = isServerAway(error) || error instanceof ResourceConflictException;
      if (comesAgain) this.#takeAgain(root);
      if (!comesAgain || !isTold) say(`${name}: the code so far stays: ${describeFailure(error)}`);
    }
  }

  #takeAgain(root: string): void {
    clearTimeout(this.#again.get(root));
    this.#again.set(
      root,
      setTimeout(() => this.#saves.add(root), AGAIN_MS),
    );
  }
}

function describeFailure(error: unknown): string {
  if (error instanceof ResourceConflictException)
    return `somebody else is changing the function. The save is tried again (${error.message})`;
  return isServerAway(error) ? `no server answers. Start it again: ${PROGRAM} serve` : (error as Error).message;
}
