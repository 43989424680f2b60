// long: a restart of the server for each moment
/**
 * SIGTERM of sandboxd alone (its launcher was killed, or an operator's mistake) while versions are being made: they are
 * taken up again. The moments are fault points, at which the process that comes by waits until the signal has been
 * sent.
 */
import { PublishVersionCommand } from "@aws-sdk/client-lambda";
import { existsSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeAll, it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { startThaw } from "../../tools/thaw-server.ts";
import { BUILD_TIMEOUT_MS, buildFaultBinaries, faultyServer } from "../faults/fault-build.ts";
import { FaultControl } from "../faults/fault-control.ts";
import { TestFunctions } from "../support/functions.ts";

/** From the sandbox to the version that is Active, in their order. */
const MOMENTS = [
  "row.pending.committed",
  "create.sandbox-taken",
  "create.started",
  "supervisor.connecting",
  "supervisor.parked",
  "take.stopped",
  "take.dumped",
  "take.chunks-synced",
  "take.manifest-synced",
  "take.committed",
  "row.active",
];
const PROGRAM = { "index.mjs": "export const handler = async () => 'ready';\n" };

beforeAll(buildFaultBinaries, BUILD_TIMEOUT_MS);

it("at each moment of a publish", { timeout: 420_000 }, async ({ expect }) => {
  const control = new FaultControl();
  const env = faultyServer(control);
  let server = await startThaw({ env });
  try {
    for (const moment of MOMENTS) {
      const functions = new TestFunctions(server);
      const name = await functions.createSnapStart(PROGRAM, { FunctionName: `at-${moment.replaceAll(".", "-")}` });
      control.arm(moment, "delay");
      // A moment of the request itself: its answer may never come.
      const asked = functions.lambda.send(new PublishVersionCommand({ FunctionName: name })).catch(() => undefined);
      await control.reached(moment);
      const sandboxd = childrenOf(server.pid).find(({ command }) => command.includes("thaw-sandboxd serve"));
      process.kill(sandboxd?.pid ?? 0, "SIGTERM");
      const ended = functions.eventually("the launcher has ended", async () => {
        await nextTurn();
        return !existsSync(`/proc/${server.pid}`);
      });
      await control.letGo(moment, ended);
      await ended;
      await asked;
      server = await startThaw({ env, previous: server });
      const next = new TestFunctions(server);
      const settled = await next.decided(name, "1");
      expect(settled, `at ${moment}: ${settled.StateReason}`).toMatchObject({ State: "Active" });
    }
  } finally {
    await server.remove();
    control.remove();
  }
});
