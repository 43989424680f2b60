/** The launcher starts the server beside sandboxd, so that it loads its modules meanwhile. */
import { Socket } from "node:net";

/**
 * Waits until sandboxd is ready: until then the data directory may be another server's. Ends the process where sandboxd
 * does not start, without a word: the launcher says it.
 */
export async function untilHostReady(): Promise<void> {
  const fd = process.env["THAW_HOST_READY_FD"];
  // Nobody who starts a server without the launcher does so before sandboxd.
  if (fd === undefined) return;
  const pipe = new Socket({ fd: Number(fd), readable: true, writable: false });
  const isReady = await new Promise<boolean>((done) => {
    pipe.once("data", () => done(true));
    pipe.once("close", () => done(false));
    pipe.once("error", () => done(false));
  });
  pipe.destroy();
  if (!isReady) process.exit(1);
}
