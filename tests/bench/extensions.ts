/**
 * What an extension that only registers, and what layers add to a cold start: the same function without them and with
 * them, in turns.
 */
import { PublishLayerVersionCommand } from "@aws-sdk/client-lambda";
import { startThaw } from "../../tools/thaw-server.ts";
import { type Files, TestFunctions, zipOf } from "../support/functions.ts";
import type { Series } from "./series.ts";
import { coldInvokes, type Subject } from "./subjects.ts";

const ROUNDS = 25;
const LEARNING = 4;
const LAYERS = 5;
const FILES_PER_LAYER = 2000;

/**
 * Asks for its first event and never gets one. One small process: what an interpreter needs is not what is measured.
 */
const REGISTERS = `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/9001
printf 'POST /2020-01-01/extension/register HTTP/1.1\\r\\nHost: x\\r\\nLambda-Extension-Name: registers\\r\\nContent-Length: 2\\r\\n\\r\\n{}' >&3
while read -r -u 3 line && [ "$line" != $'\\r' ]; do
  case "\${line,,}" in lambda-extension-identifier:*) id=\${line#*: } id=\${id%$'\\r'} ;; esac
done
exec 4<>/dev/tcp/127.0.0.1/9001
printf 'GET /2020-01-01/extension/event/next HTTP/1.1\\r\\nHost: x\\r\\nLambda-Extension-Identifier: %s\\r\\n\\r\\n' "$id" >&4
read -r -u 4 line
`;

export async function measureExtensions(): Promise<Series[]> {
  const server = await startThaw({ args: ["--parked-clones", "0"] });
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const extension = await publishLayer(functions, "registers", { "extensions/registers": REGISTERS });
    const layers: string[] = [];
    for (let layer = 0; layer < LAYERS; layer++) {
      const files = Array.from({ length: FILES_PER_LAYER }, (_, file) => [`data/${layer}/${file}`, `${file}`] as const);
      layers.push(await publishLayer(functions, `layer-${layer}`, Object.fromEntries(files)));
    }
    const variants = { plain: [], "with an extension that only registers": [extension], [LAYERED]: layers };
    const subjects: Array<readonly [Subject, string]> = [];
    for (const [label, Layers] of Object.entries(variants)) {
      const name = await functions.createSnapStart(
        { "index.py": "def handler(event, context):\n    return 1\n" },
        { Runtime: "python3.13", MemorySize: 1769, Layers },
      );
      const subject = { label, name, event: {} };
      const version = await functions.publish(name);
      await coldInvokes(functions, subject, version, LEARNING);
      subjects.push([subject, version]);
    }
    return await inTurns(functions, subjects);
  } finally {
    await server.remove();
  }
}

const LAYERED = `with ${LAYERS} layers of ${FILES_PER_LAYER} files`;

async function publishLayer(functions: TestFunctions, LayerName: string, files: Files): Promise<string> {
  const Content = { ZipFile: await zipOf(files) };
  const { LayerVersionArn = "" } = await functions.lambda.send(new PublishLayerVersionCommand({ LayerName, Content }));
  return LayerVersionArn;
}

/** Cold starts of each subject, and what those after the first one take more, round by round. */
export async function inTurns(
  functions: TestFunctions,
  subjects: ReadonlyArray<readonly [Subject, string]>,
): Promise<Series[]> {
  const rounds: number[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const times: number[] = [];
    for (const [subject, version] of subjects)
      for (const { clientMs } of await coldInvokes(functions, subject, version, 1)) times.push(clientMs);
    rounds.push(times);
  }
  return subjects.flatMap(([{ label }], index) => {
    const times = rounds.map((round) => round[index] ?? Number.NaN);
    const cold: Series = { name: `cold start, ${label}, at the client`, unit: "ms", values: times };
    if (index === 0) return [cold];
    const more = rounds.map((round) => (round[index] ?? Number.NaN) - (round[0] ?? Number.NaN));
    return [cold, { name: "of it more than the plain one of the same round", unit: "ms", values: more }];
  });
}
