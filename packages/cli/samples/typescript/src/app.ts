type Hook = () => void | Promise<void>;

declare global {
  /** An extension of Thaw's; undefined elsewhere. */
  var awslambda:
    | { snapStart: { registerBeforeSnapshot(hook: Hook): void; registerAfterRestore(hook: Hook): void } }
    | undefined;
}

/** What the function reads of an event of an HTTP API. */
interface HttpEvent {
  readonly queryStringParameters?: Readonly<Record<string, string>>;
}

interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

// Init: all of this runs once when a version is published. Its clones continue from the snapshot after it.
let greeting: string | null = null;
let restoredAt: string | null = null;
let calls = 0;

/** Stands for what takes long: reading a table, a model, a configuration. */
function load(): string {
  console.log("loading");
  return "Hello";
}

/** Runs before the snapshot: each clone finds ready what is loaded here. */
export function beforeSnapshot(): void {
  greeting = load();
}

/** Runs in each clone before its first request: renew here what must not be old, or the same in all clones. */
export function afterRestore(): void {
  restoredAt = new Date().toISOString();
}

globalThis.awslambda?.snapStart.registerBeforeSnapshot(beforeSnapshot);
globalThis.awslambda?.snapStart.registerAfterRestore(afterRestore);

export async function handler(event: HttpEvent): Promise<HttpAnswer> {
  calls++;
  // Without a snapshot, the first call loads it.
  greeting ??= load();
  const name = event.queryStringParameters?.["name"] ?? "world";
  const answer = { message: `${greeting}, ${name}!`, calls, restoredAt };
  return { statusCode: 200, headers: { "content-type": "application/json" }, body: `${JSON.stringify(answer)}\n` };
}
