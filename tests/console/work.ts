/**
 * What a page does, in counts that a busy machine does not change: requests, elements, layouts, calls of its scripts'
 * functions, and its heap after a collection.
 */
import type { CDPSession, Page } from "playwright-core";

export class PageWork {
  readonly #session: CDPSession;

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  /** Counts from now on; before the page is loaded, so that all of its calls are counted. */
  static async of(page: Page): Promise<PageWork> {
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");
    await session.send("Profiler.enable");
    await session.send("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    return new PageWork(session);
  }

  /** Calls of functions of the page's own scripts since the last look. */
  async calls(): Promise<number> {
    const { result } = await this.#session.send("Profiler.takePreciseCoverage");
    let calls = 0;
    for (const { url, functions } of result)
      if (url.includes("/_thaw/console/")) for (const { ranges } of functions) calls += ranges[0]?.count ?? 0;
    return calls;
  }

  /** Layouts since the page was loaded. */
  async layouts(): Promise<number> {
    const { metrics } = await this.#session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "LayoutCount")?.value ?? Number.NaN;
  }

  /** Bytes of the heap that something still needs. */
  async heapBytes(): Promise<number> {
    await this.#session.send("HeapProfiler.collectGarbage");
    return (await this.#session.send("Runtime.getHeapUsage")).usedSize;
  }
}
