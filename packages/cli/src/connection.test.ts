import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { CLIENT_SETTINGS, connect } from "./connection.ts";

/** A server that closes a connection when a second request comes on it: its time for idle ones is over. */
async function closingServer() {
  const used = new WeakSet<object>();
  const server = createServer((request, response) => {
    if (used.has(request.socket)) return void request.socket.destroy();
    used.add(request.socket);
    response.end(request.url === "/" ? "<GetCallerIdentityResponse/>" : '{"Functions":[]}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("a request is not lost where the server closes the connection of the one before", async () => {
  const { server, endpoint } = await closingServer();
  const before = { ...process.env };
  Object.assign(process.env, {
    THAW_ENDPOINT: endpoint,
    THAW_REGION: "us-east-1",
    THAW_ACCESS_KEY_ID: "AKIAOFTHAW",
    THAW_SECRET_ACCESS_KEY: "secret",
  });
  try {
    const { lambda, credentials, region } = connect();
    const sts = new STSClient({ endpoint, region, credentials, ...CLIENT_SETTINGS });
    for (let i = 0; i < 3; i++) {
      expect((await (await lambda()).send(new ListFunctionsCommand({}))).Functions).toEqual([]);
      await sts.send(new GetCallerIdentityCommand({}));
    }
  } finally {
    process.env = before;
    server.close();
  }
});
