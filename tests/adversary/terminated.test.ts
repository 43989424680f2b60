/** SIGTERM of sandboxd alone (its launcher was killed, or an operator's mistake) while versions are being made: they are taken up again. */
import { PublishVersionCommand } from "@aws-sdk/client-lambda";
import { existsSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { startThaw } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";

const INIT = {
  "index.mjs": "await new Promise((next) => setTimeout(next, 300));\nexport const handler = async () => 'ready';\n",
};

it("at many moments of a publish", { timeout: 240_000 }, async ({ expect }) => {
  let server = await startThaw();
  try {
    for (let delayMs = 50; delayMs < 1300; delayMs += 180) {
      const functions = new TestFunctions(server);
      const name = await functions.createSnapStart(INIT, { FunctionName: `at-${delayMs}` });
      await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
      await new Promise((next) => setTimeout(next, delayMs));
      process.kill(
        childrenOf(server.pid).find(({ command }) => command.includes("thaw-sandboxd serve"))?.pid ?? 0,
        "SIGTERM",
      );
      await functions.eventually("the launcher has ended", async () => {
        await nextTurn();
        return !existsSync(`/proc/${server.pid}`);
      });
      server = await startThaw({ previous: server });
      const next = new TestFunctions(server);
      const settled = await next.decided(name, "1");
      expect(settled, `after ${delayMs} ms: ${settled.StateReason}`).toMatchObject({ State: "Active" });
    }
  } finally {
    await server.remove();
  }
});
