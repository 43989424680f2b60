/** Runs a program in a network that was just made, and leads ports of its loopback out of it (own-network.ts). */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { joinBoth } from "./join-both.ts";

/** Descriptors that the program inherits: its own three, and the two by which it is driven. */
const INHERITED = ["inherit", "inherit", "inherit", 3, 4] as const;
const [dir = "", program = "", ...args] = process.argv.slice(2);

execFileSync("ip", ["link", "set", "lo", "up"]);
for (const port of readdirSync(dir)) {
  const listener = createServer({ allowHalfOpen: true }, (from) =>
    joinBoth(from, connect({ path: join(dir, port), allowHalfOpen: true })),
  );
  listener.listen(Number(port), "127.0.0.1");
  await once(listener, "listening");
}
const child = spawn(program, args, { stdio: [...INHERITED] });
const [code] = (await once(child, "exit")) as [number | null];
process.exit(code ?? 1);
