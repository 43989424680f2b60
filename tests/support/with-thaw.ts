/** One server for the tests of a file, or of a describe; it is `functions.server`. */
import { afterAll, beforeAll } from "vitest";
import { startThaw, type ThawServer, type ThawServerOptions } from "../../tools/thaw-server.ts";
import { TestFunctions } from "./functions.ts";

/** `started`: what else is made before the first test. */
export function withThaw(
  started: (functions: TestFunctions) => void | Promise<void>,
  options: ThawServerOptions = {},
): void {
  let server: ThawServer | undefined;
  beforeAll(async () => {
    server = await startThaw(options);
    await started(new TestFunctions(server));
  });
  afterAll(() => server?.remove());
}
