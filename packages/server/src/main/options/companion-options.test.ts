import { expect, it } from "vitest";
import { companionVariables } from "./companion-options.ts";
import { listPorts } from "./host-ports.ts";
import { parseServeOptions } from "./serve-options.ts";

const read = (...argv: string[]) => parseServeOptions(argv, {}, true);

it("a companion has what no endpoint is named for, and its port is within functions' reach", () => {
  const options = read(
    "--companion",
    "moto",
    "--aws-endpoint",
    "dynamodb=http://127.0.0.1:8000",
    "--allow-host",
    "127.0.0.1:8000",
  );
  expect(options.companion).toEqual({
    name: "moto",
    port: 5000,
    services: ["sqs", "sns", "dynamodbstreams", "kinesis", "secretsmanager"],
  });
  expect(options.destinations.endpoints.get("sqs")).toBe("http://127.0.0.1:5000");
  expect(options.destinations.endpoints.get("dynamodb")).toBe("http://127.0.0.1:8000");
  expect(options.destinations.endpoints.has("s3")).toBe(false);
  expect(listPorts(options.hostPorts)).toEqual(["127.0.0.1:8000", "127.0.0.1:5000"]);
  expect(companionVariables(options.companion)).toEqual({
    AWS_ENDPOINT_URL_SQS: "http://host.thaw.internal:5000",
    AWS_ENDPOINT_URL_SNS: "http://host.thaw.internal:5000",
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: "http://host.thaw.internal:5000",
    AWS_ENDPOINT_URL_KINESIS: "http://host.thaw.internal:5000",
    AWS_ENDPOINT_URL_SECRETS_MANAGER: "http://host.thaw.internal:5000",
  });
});

it("without one there is nothing of it", () => {
  const options = read("--companion-port", "5001");
  expect([options.companion, options.destinations.endpoints.size, listPorts(options.hostPorts)]).toEqual([null, 0, []]);
  expect(companionVariables(null)).toEqual({});
});

it.for<[string[], RegExp]>([
  [["--companion", "localstack"], /--companion/],
  [["--companion", "moto", "--companion-port", "80"], /--companion-port/],
  [["--companion", "moto", "--aws-endpoint", "http://127.0.0.1:4566"], /nothing to do: --aws-endpoint names a service/],
  [["--companion", "moto", "--allow-host", "192.0.2.7:5000"], /192.0.2.7:5000 and 127.0.0.1:5000 are one port/],
  [["--companion", "moto", "--allow-host", "orders=192.0.2.7:5000"], /are one port to a function/],
])("%s is refused", ([argv, sentence]) => {
  expect(() => read(...argv)).toThrow(sentence);
});

it("a port that is named already is named once", () => {
  expect(listPorts(read("--companion", "moto", "--allow-host", "127.0.0.1:5000").hostPorts)).toEqual([
    "127.0.0.1:5000",
  ]);
});
