import type { InvocationReport, RestoreReport } from "@thaw/server/testing/ports";
import type { NewsTaker } from "@thaw/server/testing/remote-worker";
import { MemoryLogStore } from "./harness.ts";

/** Takes what comes, and tells when it has come. */
export class Taker implements NewsTaker {
  readonly logs = new MemoryLogStore();
  readonly invocations: InvocationReport[] = [];
  readonly restores: RestoreReport[] = [];
  readonly failures: unknown[] = [];
  missedCount = 0;
  #wake: () => void = () => undefined;

  constructor() {
    const append = this.logs.append.bind(this.logs);
    this.logs.append = (...event) => {
      append(...event);
      this.#wake();
    };
  }

  invoked(report: InvocationReport): void {
    this.invocations.push(report);
    this.#wake();
  }

  restored(report: RestoreReport): void {
    this.restores.push(report);
    this.#wake();
  }

  missed(count: number): void {
    this.missedCount += count;
    this.#wake();
  }

  failed(error: unknown): void {
    this.failures.push(error);
    this.#wake();
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  untilLine(text: string): Promise<void> {
    return this.until(() => this.logs.lines.some((line) => line.includes(text)));
  }
}
