/**
 * Java's frameworks and the Lambda Web Adapter: a whole Init beside a restore, each with its first request, in turns.
 * The functions are those of tests/frameworks: `sh tools/build-framework-functions.sh` makes them.
 */
import { startThaw } from "../../tools/thaw-server.ts";
import { ADAPTED, adapterVariables, JAVA_WEB, publishAdapterLayer } from "../frameworks/packages.ts";
import { TestFunctions } from "../support/functions.ts";
import { httpApiEvent } from "../support/http-api-event.ts";
import type { Series } from "./series.ts";
import { coldInvokes, type Subject, type Timed } from "./subjects.ts";

const ROUNDS = 5;
/** First responses that make the working set; not counted. */
const LEARNING = 3;
const EVENT = httpApiEvent({ method: "GET", path: "/pets/1?lang=de" });

export async function* measureFrameworks(): AsyncGenerator<Series> {
  const server = await startThaw();
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const layer = await publishAdapterLayer(functions);
    const adapted = { Layers: [layer], Environment: { Variables: adapterVariables("BUFFERED") } };
    for (const { label, files, options } of JAVA_WEB) {
      const name = await functions.createSnapStart(files(), { ...options, Timeout: 30 });
      yield* measure(functions, { label, name, event: EVENT });
    }
    for (const { label, files, options } of ADAPTED) {
      const name = await functions.createSnapStart(files(), { ...options, ...adapted, Timeout: 30 });
      yield* measure(functions, { label, name, event: EVENT });
    }
  } finally {
    await server.remove();
  }
}

async function* measure(functions: TestFunctions, subject: Subject): AsyncGenerator<Series> {
  const version = await functions.publish(subject.name);
  await coldInvokes(functions, subject, version, LEARNING);
  const init: Timed[] = [];
  const restored: Timed[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    init.push(...(await coldInvokes(functions, subject, "$LATEST", 1)));
    restored.push(...(await coldInvokes(functions, subject, version, 1)));
  }
  await functions.stopEnvironments(subject.name);
  const { label } = subject;
  yield { name: `${label}: cold, whole Init, at the client`, unit: "ms", values: init.map((each) => each.clientMs) };
  yield { name: `${label}: its Init Duration`, unit: "ms", values: init.map((each) => each.startMs) };
  yield { name: `${label}: cold, at the client`, unit: "ms", values: restored.map((each) => each.clientMs) };
  yield { name: `${label}: its Restore Duration`, unit: "ms", values: restored.map((each) => each.startMs) };
}
