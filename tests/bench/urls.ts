/** Function URLs, HTTP APIs and REST APIs beside Invoke, warm and cold, in turns; a streamed piece on its way. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { APIGatewayClient, CreateDeploymentCommand, ImportRestApiCommand } from "@aws-sdk/client-api-gateway";
import { ApiGatewayV2Client, CreateApiCommand } from "@aws-sdk/client-apigatewayv2";
import { AddPermissionCommand, CreateFunctionUrlConfigCommand } from "@aws-sdk/client-lambda";
import { signRequest } from "@thaw/aws-api";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import type { Series } from "./series.ts";
import { untilNothingRuns } from "./subjects.ts";

const CALLS = 300;
const COLD_CALLS = 30;
/** Clones that record the working set. */
const COLD_LEARNING = 3;
const HANDLER = { "index.js": "exports.handler = async () => ({ statusCode: 200, body: 'ok' });" };

interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

export async function measureUrls(): Promise<Series[]> {
  const server = await startThaw();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const name = await functions.create(HANDLER);
    const url = await makeUrl(functions, name, "BUFFERED");
    const invokes: number[] = [];
    const calls: number[] = [];
    await permitApis(functions, name);
    const api = await makeApi(functions, name);
    const rest = await makeRestApi(functions, name);
    const routed: number[] = [];
    const rested: number[] = [];
    for (let i = 0; i < CALLS; i++) {
      invokes.push(await timed(agent, signedInvoke(server, name)));
      calls.push(await timed(agent, { method: "GET", url, headers: {} }));
      routed.push(await timed(agent, { method: "GET", url: api, headers: {} }));
      rested.push(await timed(agent, { method: "GET", url: rest, headers: {} }));
    }
    const bootstrap = readFileSync(join(REPOSITORY, "tests/functions/plain/url_streamer.py"), "utf8");
    const settings = { Runtime: "provided.al2023", Handler: "x", MemorySize: 1769, Timeout: 60 } as const;
    const streamer = await makeUrl(functions, await functions.create({ bootstrap }, settings), "RESPONSE_STREAM");
    return [
      { name: "Warm Invoke, one connection", unit: "ms", values: invokes },
      { name: "Warm call of a function URL, one connection", unit: "ms", values: calls },
      { name: "Warm request to an HTTP API, one connection", unit: "ms", values: routed },
      { name: "Warm request to a REST API, one connection", unit: "ms", values: rested },
      ...(await coldSeries(functions, server, agent)),
      {
        name: "Streamed response of a function URL: from the function's write to the client",
        unit: "ms",
        values: await delaysOf(new URL("stamps", streamer)),
      },
    ];
  } finally {
    agent.destroy();
    await server.remove();
  }
}

async function makeUrl(functions: TestFunctions, name: string, mode: "BUFFERED" | "RESPONSE_STREAM"): Promise<URL> {
  const { FunctionUrl = "" } = await functions.lambda.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: "NONE", InvokeMode: mode }),
  );
  await functions.lambda.send(
    new AddPermissionCommand({
      FunctionName: name,
      StatementId: "url",
      Action: "lambda:InvokeFunctionUrl",
      Principal: "*",
      FunctionUrlAuthType: "NONE",
    }),
  );
  return new URL(FunctionUrl);
}

async function permitApis({ lambda }: TestFunctions, name: string, version?: string): Promise<void> {
  const permission = { Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com", StatementId: "api" };
  await lambda.send(new AddPermissionCommand({ FunctionName: name, Qualifier: version, ...permission }));
}

/** Of a function that APIs may call already. */
async function makeApi({ lambda }: TestFunctions, name: string, qualifier = ""): Promise<URL> {
  const { region, endpoint, credentials } = lambda.config;
  const client = new ApiGatewayV2Client({ region, credentials, endpoint: (await endpoint?.()) ?? "" });
  const Target = `arn:aws:lambda:us-east-1:000000000000:function:${name}${qualifier}`;
  const { ApiEndpoint } = await client.send(new CreateApiCommand({ Name: "bench", ProtocolType: "HTTP", Target }));
  client.destroy();
  return new URL(ApiEndpoint ?? "");
}

/** Of a function that APIs may call already. */
async function makeRestApi({ lambda, server }: TestFunctions, name: string, qualifier = ""): Promise<URL> {
  const { region, endpoint, credentials } = lambda.config;
  const client = new APIGatewayClient({ region, credentials, endpoint: (await endpoint?.()) ?? "" });
  const arn = `arn:aws:lambda:us-east-1:000000000000:function:${name}${qualifier}`;
  const uri = `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${arn}/invocations`;
  const get = { "x-amazon-apigateway-integration": { type: "aws_proxy", httpMethod: "POST", uri } };
  const definition = { swagger: "2.0", info: { title: "bench" }, paths: { "/pets/{id}": { get } } };
  const { id } = await client.send(new ImportRestApiCommand({ body: Buffer.from(JSON.stringify(definition)) }));
  await client.send(new CreateDeploymentCommand({ restApiId: id, stageName: "prod" }));
  client.destroy();
  return new URL(`${server.endpoint}/_thaw/api/${id}/prod/pets/1`);
}

/** The same clone by Invoke and through both kinds of API, in turns; each is as often the first of a turn. */
async function coldSeries(functions: TestFunctions, server: ThawServer, agent: Agent): Promise<Series[]> {
  const name = await functions.createSnapStart(HANDLER);
  const version = await functions.publish(name);
  await permitApis(functions, name, version);
  const api = await makeApi(functions, name, `:${version}`);
  const rest = await makeRestApi(functions, name, `:${version}`);
  const ways = [
    {
      name: "Cold Invoke of a clone",
      call: () => signedInvoke(server, `${name}:${version}`),
      values: new Array<number>(),
    },
    {
      name: "Cold request of a clone through an HTTP API",
      call: () => ({ method: "GET", url: api, headers: {} }),
      values: new Array<number>(),
    },
    {
      name: "Cold request of a clone through a REST API",
      call: () => ({ method: "GET", url: rest, headers: {} }),
      values: new Array<number>(),
    },
  ];
  for (let i = -COLD_LEARNING; i < COLD_CALLS; i++) {
    const first = (i + COLD_LEARNING) % ways.length;
    for (const { call, values } of [...ways.slice(first), ...ways.slice(0, first)]) {
      await untilNothingRuns(functions, name);
      const ms = await timed(agent, call());
      if (i >= 0) values.push(ms);
    }
  }
  return ways.map(({ name: label, values }) => ({ name: label, unit: "ms", values }));
}

function signedInvoke({ endpoint, env }: ThawServer, name: string): Call {
  const url = new URL(`/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, endpoint);
  const credentials = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const signed = { method: "POST", path: url.pathname, query: "", headers: { host: url.host }, body: Buffer.alloc(0) };
  return { method: "POST", url, headers: signRequest(signed, credentials, "us-east-1", Date.now()) };
}

/** Milliseconds to the end of the answer. */
async function timed(agent: Agent, { method, url, headers }: Call): Promise<number> {
  const startMs = performance.now();
  const sent = request(url, { method, headers, agent });
  sent.end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  await answer.toArray();
  if (answer.statusCode !== 200) throw new Error(`${method} ${url.href}: ${answer.statusCode}`);
  return performance.now() - startMs;
}

/** Each piece is the time of its writing. */
async function delaysOf(url: URL): Promise<number[]> {
  const answer = await fetch(url);
  const delays: number[] = [];
  for await (const piece of answer.body ?? []) {
    const text = Buffer.from(piece).toString();
    if (/^\d+\.\d+$/.test(text)) delays.push(performance.timeOrigin + performance.now() - Number(text));
  }
  return delays;
}
