/**
 * Runtime hooks: `globalThis.awslambda.snapStart.registerBeforeSnapshot(hook)` and `.registerAfterRestore(hook)`.
 * Before: last registered first. After: in the order of registration. The first hook that throws ends it, as in AWS's
 * Python client. After-restore hooks are given what is known of the snapshot; `.snapshot()` reads the same,
 * `.generation()` is another number after every restore and costs next to nothing to ask for.
 */
import { readSnapshotInfo, type SnapshotInfo } from "./snapshot.ts";

type Hook = (snapshot?: SnapshotInfo) => unknown;

const before: Hook[] = [];
const after: Hook[] = [];

/** The page that `unique.cts` maps; null outside a sandbox of Thaw. */
function readGeneration(): Uint32Array | null {
  return (globalThis as { [key: symbol]: Uint32Array | null | undefined })[Symbol.for("thaw.generation")] ?? null;
}

/**
 * Defines the global `awslambda` with our part. AWS's client puts an object of its own in its place when it loads the
 * function: our part is added to that one.
 */
export function installHooks(): void {
  const generation = readGeneration();
  const snapStart = {
    registerBeforeSnapshot: (hook: Hook): void => void before.push(checked(hook)),
    registerAfterRestore: (hook: Hook): void => void after.push(checked(hook)),
    snapshot: readSnapshotInfo,
    generation: (): number =>
      generation === null ? 0 : (generation[0] ?? 0) + ((generation[1] ?? 0) % 2 ** 21) * 2 ** 32,
  };
  const define = (awslambda: object): void => {
    Object.defineProperty(globalThis, "awslambda", {
      value: { ...awslambda, snapStart },
      writable: true,
      enumerable: true,
      configurable: true,
    });
  };
  const first = { snapStart };
  Object.defineProperty(globalThis, "awslambda", {
    get: () => first,
    set: define,
    enumerable: true,
    configurable: true,
  });
}

export async function beforeSnapshot(): Promise<void> {
  for (const hook of before.toReversed()) await hook();
}

export async function afterRestore(): Promise<void> {
  if (after.length === 0) return;
  const snapshot = readSnapshotInfo();
  for (const hook of after) await hook(snapshot);
}

function checked(hook: Hook): Hook {
  if (typeof hook !== "function") throw new TypeError("a runtime hook must be a function");
  return hook;
}
