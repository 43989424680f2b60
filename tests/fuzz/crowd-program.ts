/**
 * `crowd-program.ts ENDPOINT IDLE LARGE BYTES`: clients that hold what a server has, as a process of their own, so that
 * they take nothing from the one that measures. IDLE connections say nothing; LARGE requests without a signature have
 * bodies of BYTES that do not end; one client's head does not end. Prints a line when all are there, and stays.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const [endpoint = "", ...numbers] = process.argv.slice(2);
const [idle = 0, large = 0, bytes = 0] = numbers.map(Number);

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect(Number(port), hostname);
  // A connection that is cut off is what this is about.
  socket.on("error", () => undefined);
  socket.resume();
  await once(socket, "connect");
  return socket;
}

(await open()).write("GET /2015-03-31/functions HTTP/1.1\r\nHost: a\r\nX-Slow:");
for (let made = 0; made < idle; made++) await open();
const body = Buffer.alloc(bytes, "x");
for (let made = 0; made < large; made++) {
  const socket = await open();
  socket.write(`POST /2015-03-31/functions HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes + 1}\r\n\r\n`);
  socket.write(body);
}
process.stdout.write("there\n");
setInterval(() => undefined, 60_000);
