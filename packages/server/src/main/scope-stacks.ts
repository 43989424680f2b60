/** The stacks of a scope. Their engine is loaded when there is something for it to do. */
import { onUse } from "../base/on-use.ts";
import { hasWorkLeft } from "../stacks/left-work.ts";
import type { StackEngine, StackEngineParts } from "../stacks/stack-engine.ts";

export class ScopeStacks {
  /** Gives the engine. Rejects where the scope was closed before it was loaded. */
  readonly load: () => Promise<StackEngine>;
  readonly #parts: StackEngineParts;
  #isClosed = false;
  #engine: Promise<StackEngine> | null = null;

  constructor(parts: StackEngineParts) {
    this.#parts = parts;
    this.load = onUse(() => {
      if (this.#isClosed) return Promise.reject(new Error("the server is stopping"));
      return (this.#engine = loadEngine(parts));
    });
  }

  /** Takes up the runs that the last life of the server left, and forgets stacks that were deleted long ago. */
  async recover(): Promise<void> {
    const { store, clock } = this.#parts;
    if (await hasWorkLeft(store, clock.nowMs())) await (await this.load()).recover();
  }

  /** Stops what handlers wait for; the runs go on at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const engine = await this.#engine?.catch(() => null);
    await engine?.close();
  }
}

async function loadEngine(parts: StackEngineParts): Promise<StackEngine> {
  const { StackEngine } = await import("../stacks/stack-engine.ts");
  return new StackEngine(parts);
}
