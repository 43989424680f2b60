/** Installs of runtimes that end when the test says so. */
import type { RuntimeInstaller } from "@thaw/server/testing/ports";

export class FakeInstaller implements RuntimeInstaller {
  /** Runtimes that the host does not have. */
  readonly missing = new Set<string>();
  isAllowed = false;
  #waiting: Array<(problem: string | null) => void> = [];

  canInstall(): boolean {
    return this.isAllowed;
  }

  install(): Promise<string | null> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** `problem`: what went wrong; null: it is installed. */
  end(problem: string | null): void {
    for (const resolve of this.#waiting.splice(0)) resolve(problem);
  }
}
