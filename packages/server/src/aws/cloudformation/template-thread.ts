/** The thread in which one large template is read, and which ends with it. */
import { parentPort, workerData } from "node:worker_threads";
import { type ParsedTemplate, parseSections } from "@thaw/template/template";

export interface GivenText {
  readonly text: string;
  /** For what is wrong with it. */
  readonly name: string;
}

export type ReadAnswer = { readonly parsed: ParsedTemplate } | { readonly problem: string };

function read({ text, name }: GivenText): ReadAnswer {
  try {
    return { parsed: parseSections(text, name) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

if (parentPort === null) throw new Error("template-thread.ts is the program of a thread");
parentPort.postMessage(read(workerData as GivenText));
