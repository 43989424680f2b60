/** A log of the console that a test feeds frame by frame, in place of the server's answer. */
import type { Page } from "playwright-core";

interface Fed {
  /** Gives these many lines, and resolves two frames later: then they are drawn. */
  feed(lines: number): Promise<Frame>;
}

/** What was done in the frames of one feed. */
export interface Frame {
  readonly addedNodes: number;
}

/** Before the page is loaded: the log of `functionName` is what `feedLog` gives. */
export async function takeLog(page: Page, functionName: string): Promise<void> {
  await page.addInitScript((name) => {
    const asked = globalThis.fetch;
    let send: ((bytes: Uint8Array) => void) | null = null;
    let count = 0;
    globalThis.fetch = (input, init) => {
      if (!String(input).includes(`/_thaw/v1/logs/${name}`)) return asked(input, init);
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          send = (bytes) => controller.enqueue(bytes);
        },
      });
      return Promise.resolve(new Response(body, { status: 200 }));
    };
    const lineOf = (): string => {
      const number = ++count;
      const message = `${number} \u001b[32mINFO\u001b[0m order ${number} of ${number % 97} items, paid and on its way to a customer\n`;
      const timestampMs = Date.now();
      return `${JSON.stringify({ timestampMs, ingestedAtMs: timestampMs, logStream: "2026/11/30/[1]01", message, origin: "function" })}\n`;
    };
    const feed = async (lines: number): Promise<{ addedNodes: number }> => {
      let addedNodes = 0;
      const count = (of: Node): number => 1 + [...of.childNodes].reduce((sum, child) => sum + count(child), 0);
      const observer = new MutationObserver((records) => {
        for (const record of records) for (const node of record.addedNodes) addedNodes += count(node);
      });
      observer.observe(document, { childList: true, subtree: true });
      send?.(new TextEncoder().encode(Array.from({ length: lines }, lineOf).join("")));
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
      observer.disconnect();
      return { addedNodes };
    };
    Object.assign(globalThis, { fed: { feed } });
  }, functionName);
}

export function feedLog(page: Page, lines: number): Promise<Frame> {
  return page.evaluate((count) => (globalThis as unknown as { readonly fed: Fed }).fed.feed(count), lines);
}
