/** debug/FUNCTION: who follows it, and the connections into its environments */
import type { Duplex, Readable } from "node:stream";
import { ApiError } from "../../../model/api-error.ts";
import type { Caller } from "../../../model/caller.ts";
import type { DebugTarget } from "../../../ports/debugging.ts";
import type { Handlers, ScopedServices } from "./handlers.ts";

type DebugRoute = "debugFunction" | "continueDebugged" | "readDebugger" | "writeDebugger";

/** Makes the handlers of the routes of debuggers. */
export function debugHandlers({ control, debugging }: ScopedServices): Handlers<DebugRoute> {
  const stop = (functionName: string): Promise<number> =>
    control.environments.stop({ functionName, qualifier: undefined, keepParked: false });
  return {
    async debugFunction({ parameters: { function: functionName }, caller, gone }) {
      const followed = debugging.begin(targetOf(caller, functionName), gone);
      if (followed === null)
        throw new ApiError("ResourceConflictException", `The function ${functionName} is being debugged already.`);
      // Those of before have no debugger, and those of now would stay without a limit.
      gone.addEventListener("abort", () => void stop(functionName).catch(() => undefined), { once: true });
      await stop(functionName);
      return followed;
    },
    continueDebugged({ parameters, caller }) {
      const continued = debugging.goOn(targetOf(caller, parameters.function));
      if (continued === null) throw notDebugged(parameters.function);
      return { continued };
    },
    async readDebugger({ parameters, caller, gone }) {
      const connection = await debugging.connect(targetOf(caller, parameters.function), parameters.connection, gone);
      if (connection === null) throw notDebugged(parameters.function);
      if (gone.aborted) connection.destroy();
      gone.addEventListener("abort", () => connection.destroy(), { once: true });
      return { contentType: "application/octet-stream", bytes: toBytes(connection) };
    },
    async writeDebugger({ parameters, caller, content }) {
      const bytes = await readAll(content);
      const connection = debugging.connectionOf(targetOf(caller, parameters.function), parameters.connection);
      if (connection === null)
        throw new ApiError("ResourceNotFoundException", `There is no connection ${parameters.connection}.`);
      await write(connection, bytes);
      return { sizeBytes: bytes.length };
    },
  };
}

/** The routes are the operator's, who has signed. */
function targetOf(caller: Caller | null, functionName: string): DebugTarget {
  if (caller === null) throw new Error("a route of debuggers was open to all");
  return { accountId: caller.accountId, region: caller.region, functionName };
}

function notDebugged(functionName: string): ApiError {
  return new ApiError(
    "ResourceNotFoundException",
    `The function ${functionName} is not debugged, or has no environment with a debugger now: invoke it.`,
  );
}

async function* toBytes(connection: Readable): AsyncGenerator<Uint8Array | string> {
  // Sends the head at once: the client may write from then on.
  yield "";
  try {
    yield* connection as AsyncIterable<Uint8Array>;
  } catch {
    // The end of the connection is the end of the answer, however it came.
  }
}

/** The signature is verified at the end. */
async function readAll(content: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function write(connection: Duplex, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.write(bytes, (error) => {
      if (error instanceof Error) reject(new ApiError("ResourceNotFoundException", "The connection has ended."));
      else resolve();
    });
  });
}
