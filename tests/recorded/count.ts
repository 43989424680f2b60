/**
 * `node tests/recorded/count.ts DIRECTORY`: plays all tests that were recorded on AWS against a real server, through
 * boto3, and counts the answers that are the same. DIRECTORY: of such files as tests/recorded has.
 */
import { ImageFolder } from "@thaw/server/testing/image-files";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { REPOSITORY, startThaw } from "../../tools/thaw-server.ts";

const [directory = join(REPOSITORY, "tests/recorded"), ...only] = process.argv.slice(2);
// As it is by default: the states of a change can be seen.
const images = new ImageFolder();
images.write("image", { layers: [{ file: "" }] });
const server = await startThaw({ args: ["--image-dir", images.path], env: { THAW_STATE_CHANGE_MS: undefined } });
try {
  const program = join(import.meta.dirname, "count/main.py");
  const python = join(REPOSITORY, ".thaw/aws-clients/bin/python");
  const child = spawn(python, [program, resolve(directory), ...only], {
    stdio: "inherit",
    env: { ...process.env, ...server.env },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  await server.remove();
  images.remove();
}
