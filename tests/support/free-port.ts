/** A port of loopback for a program that has to be told one, and for a server that is to come back at the same one. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const FIRST = 10_240;
/** So many are looked at by a process of tests before it comes to those of the next one. */
const EACH = 16;
let count = 0;

/**
 * Gives a free port below those that the kernel gives out itself, to listeners and to every connection: one of these is
 * somebody else's a moment later, on a machine with other tests.
 */
export async function freePort(): Promise<number> {
  const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  const ports = Number.parseInt(range, 10) - FIRST;
  for (let looked = 0; looked < ports; looked++) {
    const port = FIRST + ((process.pid * EACH + count++) % ports);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST} on is free: net.ipv4.ip_local_port_range begins at ${FIRST + ports}`);
}

async function isFree(port: number): Promise<boolean> {
  const listener = createServer().listen(port, "127.0.0.1");
  try {
    await once(listener, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  listener.close();
  await once(listener, "close");
  return true;
}
