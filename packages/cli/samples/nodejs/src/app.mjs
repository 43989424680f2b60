// Init: all of this runs once when a version is published. Its clones continue from the snapshot after it.
let greeting = null;
let restoredAt = null;
let calls = 0;

/** Stands for what takes long: reading a table, a model, a configuration. */
function load() {
  console.log("loading");
  return "Hello";
}

/** Runs before the snapshot: each clone finds ready what is loaded here. */
export function beforeSnapshot() {
  greeting = load();
}

/** Runs in each clone before its first request: renew here what must not be old, or the same in all clones. */
export function afterRestore() {
  restoredAt = new Date().toISOString();
}

// An extension of Thaw's; where it is missing, nothing is called.
const snapStart = globalThis.awslambda?.snapStart;
snapStart?.registerBeforeSnapshot(beforeSnapshot);
snapStart?.registerAfterRestore(afterRestore);

export async function handler(event) {
  calls++;
  // Without a snapshot, the first call loads it.
  greeting ??= load();
  const name = event.queryStringParameters?.name ?? "world";
  const answer = { message: `${greeting}, ${name}!`, calls, restoredAt };
  return { statusCode: 200, headers: { "content-type": "application/json" }, body: `${JSON.stringify(answer)}\n` };
}
