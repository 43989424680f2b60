/** Publishing: how long until Active beyond Init, and what a second version adds to the store. */
import {
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
  GetFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { join } from "node:path";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";
import type { Series } from "./series.ts";
import { deploy, SPRING } from "./subjects.ts";

const PUBLISHES = 5;
const CHECKS = 3;
const MIB = 1024 * 1024;

interface Snapshot {
  readonly functionName: string;
  readonly version: string;
  readonly memoryBytes: number;
  readonly newBytes: number;
}

export async function measurePublish(): Promise<Series[]> {
  const server = await startThaw({ args: ["--parked-clones", "0"] });
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    await deploy(server, "samples/spring/template.yml");
    await functions.create(
      { "app.py": BALLAST },
      {
        FunctionName: "ballast",
        Runtime: "python3.13",
        Handler: "app.handler",
        MemorySize: 1024,
        SnapStart: { ApplyOn: "PublishedVersions" },
      },
    );
    const spring = await publishTimes(functions, SPRING.name);
    const ballast = await publishTimes(functions, "ballast");
    const checks = await checkTimes(server);
    const snapshots = ((await (await functions.admin("GET", "snapshots")).json()) as { snapshots: Snapshot[] })
      .snapshots;
    const of = (name: string): Snapshot[] =>
      snapshots.filter((each) => each.functionName === name).sort((a, b) => Number(a.version) - Number(b.version));
    const [first, ...later] = of(SPRING.name);
    return [
      { name: "Spring Boot: publish → Active, beyond Init", unit: "ms", values: spring },
      { name: "Spring Boot: thaw check", unit: "s", values: checks },
      { name: "200 MiB of random bytes: publish → Active, beyond Init", unit: "ms", values: ballast },
      {
        name: "Spring Boot: memory in the first version's snapshot",
        unit: "MiB",
        values: [(first?.memoryBytes ?? Number.NaN) / MIB],
      },
      {
        name: "Spring Boot: a later version adds, of the first",
        unit: "%",
        values: later.map((each) => (100 * each.newBytes) / (first?.newBytes ?? Number.NaN)),
      },
    ];
  } finally {
    await server.remove();
  }
}

const BALLAST = `import os
KEPT = os.urandom(200 * 1024 * 1024)

def handler(event, context):
    return len(KEPT)
`;

async function publishTimes(functions: TestFunctions, name: string): Promise<number[]> {
  const beyond: number[] = [];
  for (let i = 0; i < PUBLISHES; i++) {
    await functions.lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: name, Environment: { Variables: { BENCH: String(i) } } }),
    );
    await functions.eventually(
      "updated",
      async () =>
        (await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }))).LastUpdateStatus ===
        "Successful",
    );
    const startMs = performance.now();
    const { Version } = await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
    await functions.eventually("Active", async () => {
      await new Promise((next) => setTimeout(next, 10));
      return (
        (await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: Version })))
          .State === "Active"
      );
    });
    const totalMs = performance.now() - startMs;
    const reports = (await functions.logs(name))
      .map((event) => /^INIT_REPORT Init Duration: ([\d.]+)/.exec(event.message)?.[1])
      .filter((text) => text !== undefined);
    beyond.push(totalMs - Number(reports.at(-1)));
  }
  return beyond;
}

async function checkTimes(server: ThawServer): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < CHECKS; i++) {
    const startMs = performance.now();
    const event = join(REPOSITORY, "samples/spring/event.json");
    const { code, stderr } = await runThaw(["check", `${SPRING.name}:live`, "--event", event], server.env);
    if (code !== 0) throw new Error(`thaw check: ${stderr}`);
    all.push((performance.now() - startMs) / 1000);
  }
  return all;
}
