/**
 * Runtime hooks: `globalThis.awslambda.snapStart.registerBeforeSnapshot(hook)` and `.registerAfterRestore(hook)`.
 * Before: last registered first. After: in the order of registration. The first hook that throws ends it, as in AWS's Python client.
 */
type Hook = () => unknown;

const before: Hook[] = [];
const after: Hook[] = [];

export function installHooks(): void {
  const snapStart = {
    registerBeforeSnapshot: (hook: Hook): void => void before.push(checked(hook)),
    registerAfterRestore: (hook: Hook): void => void after.push(checked(hook)),
  };
  const global = globalThis as { awslambda?: Record<string, unknown> };
  global.awslambda = { ...global.awslambda, snapStart };
}

export async function beforeSnapshot(): Promise<void> {
  for (const hook of before.toReversed()) await hook();
}

export async function afterRestore(): Promise<void> {
  for (const hook of after) await hook();
}

function checked(hook: Hook): Hook {
  if (typeof hook !== "function") throw new TypeError("a runtime hook must be a function");
  return hook;
}
