/** Reads templates; large ones, which may take a second, in a thread of their own: others are served meanwhile. */
import { Worker } from "node:worker_threads";
import { type ParsedTemplate, parseSections } from "@thaw/template/template";
import { Slots } from "../../base/slots.ts";
import type { GivenText, ReadAnswer } from "./template-thread.ts";

/** Above what a request itself can hold. */
const LENGTH_HERE_MAX = 64 * 1024;
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 32 };
/** Each takes a processor, and some hundred MB. */
const THREADS = new Slots(1);

/** Rejects where the text is no template, with what is wrong as its message. */
export async function readTemplateText(text: string, name: string): Promise<ParsedTemplate> {
  return text.length <= LENGTH_HERE_MAX ? parseSections(text, name) : THREADS.run(() => inThread({ text, name }));
}

function inThread(given: GivenText): Promise<ParsedTemplate> {
  const worker = new Worker(new URL("./template-thread.ts", import.meta.url), {
    workerData: given,
    resourceLimits: RESOURCE_LIMITS,
  });
  return new Promise((resolve, reject) => {
    worker.once("message", (answer: ReadAnswer) => {
      if ("parsed" in answer) resolve(answer.parsed);
      else reject(new Error(answer.problem));
    });
    // Such as too little memory.
    worker.once("error", (error) => reject(error));
    worker.once("exit", () => reject(new Error(`${given.name}: it could not be read`)));
  });
}
