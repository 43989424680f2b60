/** Streamed responses of a clone: how fast, and how long a piece takes from the function's write to the client. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InvokeWithResponseStreamCommand } from "@aws-sdk/client-lambda";
import { REPOSITORY, startThaw } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import type { Series } from "./series.ts";

const STREAMS = 9;
const MIB = 1024 * 1024;
const LARGE = { pieces: 150, size: MIB, end: "well" };
const STAMPS = { stamps: 100, pieces: 0, size: 0, end: "well" };

export async function measureStreaming(): Promise<Series[]> {
  const server = await startThaw();
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const bootstrap = readFileSync(join(REPOSITORY, "tests/functions/plain/streamer.py"), "utf8");
    const settings = { Runtime: "provided.al2023", Handler: "x", MemorySize: 1769, Timeout: 60 } as const;
    const name = await functions.createSnapStart({ bootstrap }, settings);
    const version = await functions.publish(name);
    const rates: number[] = [];
    for (let i = 0; i < STREAMS; i++) {
      const startMs = performance.now();
      let readBytes = 0;
      for await (const bytes of read(functions, name, version, LARGE)) readBytes += bytes.length;
      rates.push(readBytes / 1e6 / ((performance.now() - startMs) / 1000));
    }
    const delays: number[] = [];
    for await (const bytes of read(functions, name, version, STAMPS))
      delays.push(performance.timeOrigin + performance.now() - Number(bytes.toString()));
    return [
      { name: "Streamed response of 150 MiB: rate", unit: "MB/s", values: rates },
      { name: "Streamed response: from the function's write to the client", unit: "ms", values: delays },
    ];
  } finally {
    await server.remove();
  }
}

async function* read(
  functions: TestFunctions,
  name: string,
  version: string,
  event: unknown,
): AsyncGenerator<Buffer, void, undefined> {
  const answer = await functions.lambda.send(
    new InvokeWithResponseStreamCommand({
      FunctionName: name,
      Qualifier: version,
      Payload: Buffer.from(JSON.stringify(event)),
    }),
  );
  for await (const { PayloadChunk, InvokeComplete } of answer.EventStream ?? []) {
    if (PayloadChunk?.Payload !== undefined) yield Buffer.from(PayloadChunk.Payload);
    if (InvokeComplete?.ErrorCode !== undefined) throw new Error(InvokeComplete.ErrorDetails);
  }
}
