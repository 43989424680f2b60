/**
 * One `thaw dev` for a stack on this host: two would take saves and aliases from one another, and the first that ends
 * deletes the stack of both. A name without a file stands for it, which goes with the process, however that ends.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { CommandError } from "@thaw/installation/command-error";

/** What names a stack among those of all servers. */
export interface StackPlace {
  readonly endpoint: string;
  readonly accountId: string;
  readonly region: string;
  readonly stackName: string;
}

/** Resolves to what gives the stack free again. Throws CommandError where another process has it. */
export async function takeStack(place: StackPlace): Promise<() => void> {
  // Only Linux has names without a file; elsewhere a server is another host, and so may be the other command.
  if (process.platform !== "linux") return () => undefined;
  const { endpoint, accountId, region, stackName } = place;
  const digest = createHash("sha256")
    .update(JSON.stringify([endpoint, accountId, region, stackName]))
    .digest("hex");
  const server = createServer((socket) => socket.destroy());
  server.listen(`\0thaw-dev-${digest.slice(0, 32)}`);
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new CommandError(
      `another thaw dev works on the stack ${stackName}. End it, or take a stack of your own: --stack-name NAME`,
    );
  }
  server.unref();
  return () => void server.close();
}
