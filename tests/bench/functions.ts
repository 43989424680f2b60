/** Cold, parked and warm invokes of the samples and of a Python web application, beside a whole Init. */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { javaPackage } from "../support/test-functions.ts";
import { copyFunction } from "./copy.ts";
import { pythonWebFiles } from "./python-web.ts";
import { type Series, summarize } from "./series.ts";
import {
  coldInvokes,
  deploy,
  memorySeries,
  NODE,
  parkedInvokes,
  phaseSeries,
  restoreTraces,
  SPRING,
  type Subject,
  timedInvoke,
} from "./subjects.ts";

const COLD = 30;
const INIT = 8;
const WARM = 500;
const DURATIONS = 50;
/** First responses that make the working set; not counted below. */
const LEARNING = 6;

const PYTHON: Subject = { label: "Python (Flask, NumPy)", name: "python-web", event: { values: [1, 2, 3] } };
/** A map in, a map out, by the official client's own JSON. */
const PLAIN: Subject = {
  label: "Java, a plain handler",
  name: "plain",
  event: { text: "a", number: 1, list: [{ more: "b" }] },
};
const UNPRIMED: Subject = { ...SPRING, label: "Spring Boot, unprimed", name: "orders-unprimed" };

export async function* measureFunctions(): AsyncGenerator<Series> {
  const server = await startThaw();
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    await deploy(server, "samples/spring/template.yml");
    await deploy(server, "samples/nodejs/template.yml");
    const options = {
      FunctionName: PYTHON.name,
      Runtime: "python3.13" as const,
      Handler: "app.handler",
      MemorySize: 512,
    };
    await functions.createSnapStart(await pythonWebFiles(), options);
    const python = await functions.publish(PYTHON.name);
    await functions.createSnapStart(javaPackage("plain/Plain.java", /^$/), {
      FunctionName: PLAIN.name,
      Runtime: "java17",
      Handler: "Plain::handleRequest",
      MemorySize: 512,
    });
    const plain = await functions.publish(PLAIN.name);
    yield* measure(server, functions, SPRING, "live");
    yield* measure(server, functions, PLAIN, plain);
    yield* await measureUnprimed(server, functions);
    yield* measure(server, functions, PYTHON, python);
    yield* measure(server, functions, NODE, "live");
  } finally {
    await server.remove();
  }
}

async function* measure(
  server: ThawServer,
  functions: TestFunctions,
  subject: Subject,
  qualifier: string,
): AsyncGenerator<Series> {
  const { label } = subject;
  const init = await coldInvokes(functions, subject, "$LATEST", INIT);
  yield { name: `${label}: cold, whole Init, at the client`, unit: "ms", values: init.map((each) => each.clientMs) };
  await functions.stopEnvironments(subject.name);
  const first = await coldInvokes(functions, subject, qualifier, 1);
  yield {
    name: `${label}: first cold invoke ever, at the client`,
    unit: "ms",
    values: first.map((each) => each.clientMs),
  };
  await coldInvokes(functions, subject, qualifier, LEARNING);
  const from = server.output().length;
  const cold = await coldInvokes(functions, subject, qualifier, COLD);
  const traces = await restoreTraces(server, functions, { from, count: COLD });
  yield { name: `${label}: cold, at the client`, unit: "ms", values: cold.map((each) => each.clientMs) };
  yield { name: `${label}: its Restore Duration`, unit: "ms", values: cold.map((each) => each.startMs) };
  yield* phaseSeries(label, traces, ["criu", "hooks", "firstResponse"]);
  yield* memorySeries(label, traces);
  const parked = await parkedInvokes(functions, subject, qualifier, COLD);
  const name = `${label}: from a parked clone, at the client`;
  yield { name, unit: "ms", values: parked.map((each) => each.clientMs) };
  yield* await measureWarm(functions, subject, qualifier);
  await functions.stopEnvironments(subject.name);
}

async function measureWarm(functions: TestFunctions, subject: Subject, qualifier: string): Promise<Series[]> {
  const durations: number[] = [];
  for (let i = 0; i < DURATIONS; i++) durations.push((await timedInvoke(functions, subject, qualifier)).durationMs);
  const warm: number[] = [];
  // Without LogType: an answer with its log has to wait for the REPORT line, which AWS writes after the answer too.
  const command = {
    FunctionName: subject.name,
    Qualifier: qualifier,
    Payload: Buffer.from(JSON.stringify(subject.event)),
  };
  for (let i = 0; i < WARM; i++) {
    const startMs = performance.now();
    await functions.lambda.send(new InvokeCommand(command));
    warm.push(performance.now() - startMs);
  }
  const median = summarize(durations).median;
  return [
    { name: `${subject.label}: warm, at the client`, unit: "ms", values: warm },
    {
      name: `${subject.label}: warm, beyond the median Duration`,
      unit: "ms",
      values: warm.map((value) => value - median),
    },
  ];
}

/** Against the first request of a process that never left memory: what of it no restore can remove. */
async function measureUnprimed(server: ThawServer, functions: TestFunctions): Promise<Series[]> {
  await copyFunction(functions, SPRING.name, UNPRIMED.name, { variables: { PRIMING: "false" } });
  const version = await functions.publish(UNPRIMED.name);
  const init = await coldInvokes(functions, UNPRIMED, "$LATEST", INIT);
  await coldInvokes(functions, UNPRIMED, version, LEARNING);
  const from = server.output().length;
  const cold = await coldInvokes(functions, UNPRIMED, version, COLD);
  const traces = await restoreTraces(server, functions, { from, count: COLD });
  const firstRequest = summarize(init.map((each) => each.durationMs)).median;
  return [
    {
      name: `${UNPRIMED.label}: first request after a whole Init, Duration`,
      unit: "ms",
      values: init.map((each) => each.durationMs),
    },
    { name: `${UNPRIMED.label}: cold, at the client`, unit: "ms", values: cold.map((each) => each.clientMs) },
    {
      name: `${UNPRIMED.label}: cold, beyond that first request`,
      unit: "ms",
      values: cold.map((each) => each.clientMs - firstRequest),
    },
    { name: `${UNPRIMED.label}: its Restore Duration`, unit: "ms", values: cold.map((each) => each.startMs) },
    ...phaseSeries(UNPRIMED.label, traces, ["criu", "hooks", "firstResponse"]),
    ...memorySeries(UNPRIMED.label, traces),
  ];
}
