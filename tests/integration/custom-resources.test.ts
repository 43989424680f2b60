/** Custom resources: functions that answer the server from inside of their sandboxes, at the service door. */
import {
  type CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { expect, it } from "vitest";
import { cloudFormationOf } from "../support/cloudformation.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

/** As CDK's handlers do: no port, no scheme, nothing of ours. */
const BY_NODE = `
          const https = require("node:https");
          exports.handler = async (event) => {
            const answer = { Status: "SUCCESS", PhysicalResourceId: "node-1", Data: { Said: event.RequestType } };
            const body = JSON.stringify({ ...answer, RequestId: event.RequestId, Reason: process.env.NODE_EXTRA_CA_CERTS });
            const { hostname, pathname } = new URL(event.ResponseURL);
            const headers = { "content-type": "", "content-length": Buffer.byteLength(body) };
            await new Promise((resolve, reject) => {
              const request = https.request({ hostname, path: pathname, method: "PUT", headers }, resolve);
              request.on("error", reject);
              request.end(body);
            });
          };`;

const BY_PYTHON = `
          import json, urllib.request
          def handler(event, context):
              data = {"Said": event["ResourceProperties"]["Size"]}
              answer = {"Status": "SUCCESS", "PhysicalResourceId": "python-1", "Data": data}
              request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
              urllib.request.urlopen(request)`;

it("custom resources answer by TLS, fresh and from a clone", async () => {
  const maker = (name: string, runtime: string, source: string): string => `
  ${name}:
    Type: AWS::Lambda::Function
    Properties:
      Role: arn:aws:iam::000000000000:role/any
      Handler: index.handler
      Runtime: ${runtime}
      Timeout: 120
      SnapStart: { ApplyOn: PublishedVersions }
      Code:
        ZipFile: |${source}
  ${name}Version: { Type: AWS::Lambda::Version, Properties: { FunctionName: !Ref ${name} } }
  ${name}Fresh: { Type: Custom::Thing, Properties: { ServiceToken: !GetAtt ${name}.Arn, Size: 5 } }
  ${name}Clone:
    Type: AWS::CloudFormation::CustomResource
    Properties: { ServiceToken: !Ref ${name}Version, Size: 7 }`;
  const body = `Resources:${maker("Node", "nodejs24.x", BY_NODE)}${maker("Python", "python3.13", BY_PYTHON)}
Outputs:
  Said: { Value: !Sub "\${NodeFresh.Said} \${NodeClone} \${PythonFresh.Said} \${PythonClone.Said}" }`;
  const client = cloudFormationOf(functions.server);
  await client.send(new CreateStackCommand({ StackName: "custom", TemplateBody: body }));
  await functions.eventually("the stack is made", async () => !(await statusOf(client)).endsWith("IN_PROGRESS"));
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: "custom" }));
  expect([stack?.StackStatus, stack?.Outputs?.[0]?.OutputValue]).toEqual(["CREATE_COMPLETE", "Create node-1 5 7"]);
  await client.send(new DeleteStackCommand({ StackName: "custom" }));
  await functions.eventually("it is gone", async () => (await statusOf(client, stack?.StackId)) === "DELETE_COMPLETE");
});

async function statusOf(client: CloudFormationClient, name = "custom"): Promise<string> {
  const { Stacks: stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
  return String(stacks[0]?.StackStatus);
}
