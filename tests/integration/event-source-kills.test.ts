// matrix: ten thousand messages, once as they are and once with the server killed five times
/**
 * A queue with 10,000 messages through a function that fails one in ten: each is processed at least once, and the
 * failing ones end where AWS would put them. The function writes what it has processed into a directory of the host.
 */
import { CreateEventSourceMappingCommand } from "@aws-sdk/client-lambda";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ACCESS_POINT } from "../support/access-point.ts";
import { TestFunctions } from "../support/functions.ts";
import { QueueService } from "../support/queue-service.ts";

const COUNT = 10_000;
const KILLS = 5;
const VISIBILITY_S = 10;
/**
 * A message may be with a server that is killed, or wait longer than it is hidden on a busy machine, so that its
 * receives come to nothing.
 */
const RECEIVES_BESIDE_KILLS = 5;
const CODE = {
  "index.mjs": `import { appendFileSync } from "node:fs";
  import { randomUUID } from "node:crypto";
  const file = "/mnt/data/" + randomUUID();
  export const handler = async ({ Records }) => {
    const batchItemFailures = [];
    for (const { messageId, body } of Records) {
      appendFileSync(file, body + "\\n");
      if (Number(body) % 10 === 0) batchItemFailures.push({ itemIdentifier: messageId });
    }
    return { batchItemFailures };
  };`,
};
const BODIES = Array.from({ length: COUNT }, (_, index) => String(index));

/** Looks a moment later: the queues are served by this process. */
function seen(look: () => boolean): Promise<boolean> {
  return new Promise((resolve) => setTimeout(() => resolve(look()), 100));
}

describe.each([0, KILLS])("with the server killed %i times", (kills) => {
  it("each message is processed, and one in ten is a dead letter", async ({ expect }) => {
    const dir = mkdtempSync(join(tmpdir(), "thaw-processed-"));
    chmodSync(dir, 0o777);
    // A file is there before its first line is.
    const processed = (): readonly string[] =>
      readdirSync(dir)
        .flatMap((file) => readFileSync(join(dir, file), "utf8").split("\n"))
        .filter((line) => line !== "");
    const service = await QueueService.start();
    const letters = service.made.createQueue("letters");
    const queue = service.made.createQueue("many", {
      visibilityS: VISIBILITY_S,
      redrive: { to: letters, max: RECEIVES_BESIDE_KILLS + kills },
    });
    for (const body of BODIES) queue.send(body);
    const args = ["--aws-endpoint", `sqs=${service.endpoint}`, "--file-system", `${ACCESS_POINT}=${dir}`];
    const servers: ThawServer[] = [await startThaw({ args })];
    try {
      let server = servers[0] as ThawServer;
      let functions = new TestFunctions(server);
      const name = await functions.create(CODE, {
        Timeout: VISIBILITY_S,
        MemorySize: 1769,
        FileSystemConfigs: [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/data" }],
      });
      const EventSourceArn = "arn:aws:sqs:us-east-1:000000000000:many";
      // A dozen environments that are initialised at once, on a busy machine, hold their messages for too long.
      const ScalingConfig = { MaximumConcurrency: 2 };
      const wish = {
        ScalingConfig,
        FunctionName: name,
        EventSourceArn,
        FunctionResponseTypes: ["ReportBatchItemFailures" as const],
      };
      await functions.lambda.send(new CreateEventSourceMappingCommand(wish));
      for (let kill = 1; kill <= kills; kill++) {
        const share = (COUNT * kill) / (kills + 2);
        await functions.eventually(
          `${share} are processed`,
          () => seen(() => new Set(processed()).size >= share),
          300_000,
        );
        await server.kill("server");
        server = await startThaw({ args, previous: server });
        servers.push(server);
        functions = new TestFunctions(server);
      }
      await functions.eventually("the queue is empty", () => seen(() => queue.bodies.length === 0), 500_000);
      expect(new Set(processed()).size).toBe(COUNT);
      expect(letters.bodies.toSorted((a, b) => Number(a) - Number(b))).toEqual(
        BODIES.filter((each) => Number(each) % 10 === 0),
      );
    } finally {
      for (const each of servers.reverse()) await each.remove();
      await service.stop();
      rmSync(dir, { recursive: true });
    }
  });
});
