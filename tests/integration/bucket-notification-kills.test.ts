// matrix: a thousand uploads, with the server killed again and again
/** Each object that was stored comes to the function, and one that it always fails at ends with the dead letters. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AddPermissionCommand, PutFunctionEventInvokeConfigCommand } from "@aws-sdk/client-lambda";
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ACCESS_POINT } from "../support/access-point.ts";
import { TestFunctions } from "../support/functions.ts";
import { MotoServer } from "../support/moto-server.ts";

const COUNT = 1000;
const AT_ONCE = 8;
const KILLS = 3;
const Bucket = "uploads";
const POISON = "k500";
const CODE = {
  "index.mjs": `import { appendFileSync } from "node:fs";
  import { randomUUID } from "node:crypto";
  const file = "/mnt/data/" + randomUUID();
  export const handler = async ({ Records }) => {
    for (const { s3: { object: { key } } } of Records) {
      if (key === "${POISON}") throw new Error("poison");
      appendFileSync(file, key + "\\n");
    }
  };`,
};

function clientOf({ endpoint, env }: ThawServer): S3Client {
  const [accessKeyId, secretAccessKey] = [env["AWS_ACCESS_KEY_ID"] ?? "", env["AWS_SECRET_ACCESS_KEY"] ?? ""];
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Client({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
}

it("a thousand uploads with the server killed three times", async () => {
  const dir = mkdtempSync(join(tmpdir(), "thaw-processed-"));
  chmodSync(dir, 0o777);
  // A file is there before its first line is.
  const processed = (): ReadonlySet<string> =>
    new Set(
      readdirSync(dir)
        .flatMap((file) => readFileSync(join(dir, file), "utf8").split("\n"))
        .filter((line) => line !== ""),
    );
  const moto = await MotoServer.start();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sqs = new SQSClient({ endpoint: moto.endpoint, region: "us-east-1", credentials });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "letters" }));
  const args = ["--aws-endpoint", `sqs=${moto.endpoint}`, "--file-system", `${ACCESS_POINT}=${dir}`];
  const servers: ThawServer[] = [await startThaw({ args })];
  try {
    let server = servers[0] as ThawServer;
    let functions = new TestFunctions(server);
    let s3 = clientOf(server);
    // One that takes too long is a dead letter, too: a dozen environments are initialised at once.
    const name = await functions.create(CODE, {
      Timeout: 600,
      DeadLetterConfig: { TargetArn: "arn:aws:sqs:us-east-1:000000000000:letters" },
      FileSystemConfigs: [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/data" }],
    });
    await functions.lambda.send(
      new PutFunctionEventInvokeConfigCommand({ FunctionName: name, MaximumRetryAttempts: 0 }),
    );
    await s3.send(new CreateBucketCommand({ Bucket }));
    const allowed = { Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com", StatementId: "s3" };
    await functions.lambda.send(new AddPermissionCommand({ FunctionName: name, ...allowed }));
    const LambdaFunctionArn = `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
    const configuration = { LambdaFunctionArn, Events: ["s3:ObjectCreated:*" as const] };
    const NotificationConfiguration = { LambdaFunctionConfigurations: [configuration] };
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
    const waiting = Array.from({ length: COUNT }, (_, index) => `k${index}`);
    let stored = 0;
    /** Uploads until all are stored, or the server has gone; what it had not answered waits again. */
    const upload = async (): Promise<void> => {
      for (let Key = waiting.shift(); Key !== undefined; Key = waiting.shift()) {
        try {
          await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
          stored++;
        } catch {
          waiting.push(Key);
          return;
        }
      }
    };
    const uploadAll = () => Promise.all(Array.from({ length: AT_ONCE }, upload));
    for (let kill = 1; kill <= KILLS; kill++) {
      const uploading = uploadAll();
      const share = (COUNT * kill) / (KILLS + 1);
      await functions.eventually(
        `${share} are stored`,
        async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return stored >= share;
        },
        300_000,
      );
      await server.kill("server");
      await uploading;
      s3.destroy();
      server = await startThaw({ args, previous: server });
      servers.push(server);
      functions = new TestFunctions(server);
      s3 = clientOf(server);
    }
    await uploadAll();
    expect([stored, waiting]).toEqual([COUNT, []]);
    // Looks a moment later each time: the objects come through other processes.
    const look = (): Promise<boolean> =>
      new Promise((resolve) => setTimeout(() => resolve(processed().size >= COUNT - 1), 100));
    await functions.eventually("all are processed", look, 300_000);
    const letter = await functions.eventually("the dead letter", async () => {
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
      return Messages?.[0]?.Body;
    });
    expect(processed().has(POISON)).toBe(false);
    expect(processed().size).toBe(COUNT - 1);
    expect(JSON.parse(letter)).toMatchObject({ Records: [{ s3: { object: { key: POISON } } }] });
    s3.destroy();
  } finally {
    for (const each of servers.reverse()) await each.remove();
    sqs.destroy();
    await moto.stop();
    rmSync(dir, { recursive: true });
  }
});
