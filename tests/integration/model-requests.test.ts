// matrix: some 2,400 requests, for each member of each operation of AWS's model
/**
 * Requests that boto3's model makes, valid and invalid, for each member of each operation: none is answered with 5xx,
 * each refusal has a code and a text, and no invalid value is taken.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";

const PYTHON = join(REPOSITORY, ".thaw/aws-clients/bin/python");
const PROGRAM = join(import.meta.dirname, "boto3_model.py");

let server: ThawServer;
beforeAll(async () => {
  server = await startThaw();
});
afterAll(() => server.remove());

it("for each member of each operation is carried out or refused", async () => {
  const env = { ...process.env, ...server.env };
  const { stdout } = await promisify(execFile)(PYTHON, [PROGRAM], { env, maxBuffer: 2 ** 26 });
  const seen = JSON.parse(stdout) as {
    readonly sent: number;
    readonly refused: number;
    readonly problems: readonly string[];
  };
  expect(seen.problems).toEqual([]);
  expect(seen.sent).toBeGreaterThan(2000);
  expect(seen.sent - seen.refused).toBeGreaterThan(100);
});
