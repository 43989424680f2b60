// AWS SDK v3, a keep-alive agent and fetch, with connections made in Init.
import http from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { LambdaClient, ListFunctionsCommand } = require("@aws-sdk/client-lambda");
const base = `http://${process.env.OUTSIDE}:8080`;
const lambda = new LambdaClient({ endpoint: base, region: "us-east-1" });
const agent = new http.Agent({ keepAlive: true });

const use = (act) =>
  act().then(
    (ok) => ({ ok }),
    (error) => ({ error: `${error.name}: ${error.code ?? ""} ${error.message}` }),
  );
const askAgent = () =>
  new Promise((resolve, reject) => {
    const request = http.get(`${base}/connection`, { agent }, (response) => {
      let text = "";
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
  });

const draw = async () => ({
  "AWS SDK v3": await use(async () => (await lambda.send(new ListFunctionsCommand())).Functions.length),
  "keep-alive agent": await use(askAgent),
  fetch: await use(async () => (await fetch(`${base}/connection`)).text()),
});

const atInit = await draw();
export const handler = async () => ({ init: atInit, first: await draw(), second: await draw() });
