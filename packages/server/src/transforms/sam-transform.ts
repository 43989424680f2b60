/**
 * The transform AWS::Serverless-2016-10-31 by AWS's own library, in a process that can open nothing
 * (runtimes/sam-transform). One for all accounts: each template is told everything that its result depends on. It is
 * started at the first template and ends when there was none for a while.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM, ROOT } from "@thaw/installation";
import { SAM_TRANSFORM as INSTALL_NAME } from "@thaw/installation/installable";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import type { Clock } from "../base/clock.ts";
import { Slots } from "../base/slots.ts";
import type { TemplateTransform, TransformOutcome, TransformRequest } from "../ports/template-transform.ts";
import { ProcessEnded, TransformProcess } from "./transform-process.ts";

export interface SamTransformOptions {
  /** Directory of runtimes and of the library (THAW_HOME). */
  readonly thawHome: string;
  readonly clock: Clock;
}

export const SAM_TRANSFORM = "AWS::Serverless-2016-10-31";
const TEMPLATE_MS_MAX = 20_000;
const START_MS_MAX = 60_000;
const IDLE_MS_MAX = 10 * 60_000;
const WAITING_MAX = 100;

type Answer = {
  readonly template?: TemplateMap;
  /** What is wrong with the template, in the library's words. */
  readonly invalid?: string;
  /** An error of the library that it does not expect. */
  readonly failed?: string;
};

export function createSamTransform({ thawHome, clock }: SamTransformOptions): TemplateTransform {
  const home = join(thawHome, "sam-transform");
  const python = join(home, "python");
  return new SamTransform({
    isInstalled: () => existsSync(join(home, ".recipe")),
    // Its own loader: nothing of the host's Python or C library is used.
    argv: [
      join(python, "bin/ld-linux-x86-64.so.2"),
      "--library-path",
      join(python, "lib/x86_64-linux-gnu"),
      join(python, "bin/python3.13"),
      "-S",
      "-B",
      join(ROOT, "runtimes/sam-transform/transform.py"),
      join(home, "library"),
    ],
    env: { PYTHONHOME: python, PYTHONUTF8: "1" },
    clock,
  });
}

export interface SamProgram {
  readonly isInstalled: () => boolean;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

export class SamTransform implements TemplateTransform {
  readonly #program: SamProgram;
  /** The process takes one template at a time. */
  readonly #turns = new Slots(1);
  #process: TransformProcess | null = null;
  #cancelIdle = (): void => undefined;
  #waiting = 0;
  #isClosed = false;

  constructor(program: SamProgram) {
    this.#program = program;
  }

  async transform(request: TransformRequest): Promise<TransformOutcome> {
    if (!this.#program.isInstalled())
      return refuse(
        "AWS's library for it is not installed on the server's host. " +
          `Run there, as root: ${PROGRAM} runtimes install ${INSTALL_NAME}`,
      );
    if (this.#waiting >= WAITING_MAX) return refuse("too many templates wait for it; try again");
    this.#waiting++;
    try {
      return await this.#turns.run(() => this.#ask(request));
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
      return refuse(`its process ${error.message}`);
    } finally {
      this.#waiting--;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelIdle();
    this.#process?.end("was stopped with the server");
  }

  async #ask(request: TransformRequest): Promise<TransformOutcome> {
    const process = await this.#running();
    this.#cancelIdle();
    try {
      return readAnswer(await process.ask(request, TEMPLATE_MS_MAX));
    } finally {
      if (!this.#isClosed)
        this.#cancelIdle = this.#program.clock.after(IDLE_MS_MAX, () => process.end("had nothing to do"));
    }
  }

  async #running(): Promise<TransformProcess> {
    if (this.#isClosed) throw new ProcessEnded("was stopped with the server");
    if (this.#process?.isEnding === false) return this.#process;
    const { argv, env, clock } = this.#program;
    // Known before it is ready, so that it ends with the server.
    const process = new TransformProcess({ argv, env, clock });
    this.#process = process;
    await process.ready(START_MS_MAX);
    return process;
  }
}

function readAnswer(line: string): TransformOutcome {
  let answer: Answer;
  try {
    answer = JSON.parse(line) as Answer;
  } catch {
    answer = { failed: "its answer is no JSON" };
  }
  const { template, invalid, failed } = answer;
  if (isTemplateMap(template)) return { kind: "transformed", template };
  return refuse(invalid ?? `Internal transform failure. (${failed ?? "no answer"})`);
}

function refuse(reason: string): TransformOutcome {
  return { kind: "refused", message: `Transform ${SAM_TRANSFORM} failed with: ${reason}` };
}
