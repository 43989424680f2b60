import { expect, it } from "vitest";
import { OPERATIONS, S3 } from "./s3.ts";

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

it.for([
  [{ LocationConstraint: "eu-west-1" }, '<LocationConstraint xmlns="">eu-west-1</LocationConstraint>'],
  // Of us-east-1: clients read a document that is empty, and none that is not there.
  [{}, '<LocationConstraint xmlns=""></LocationConstraint>'],
] as const)("the location of a bucket is the text of its document: %j", ([output, document]) => {
  const { body, headers } = S3.protocol.serializeOutput("GetBucketLocation", output);
  expect(String(body)).toBe(`${HEAD}${document}`);
  expect(headers["Content-Type"]).toBe("application/xml");
});

/** Thaw has none of them. */
const WITHOUT = [
  "CreateSession",
  "GetBucketCors",
  "GetBucketLifecycle",
  "GetBucketNotification",
  "GetBucketWebsite",
  "ListBucketAnalyticsConfigurations",
  "ListBucketIntelligentTieringConfigurations",
  "ListBucketInventoryConfigurations",
  "ListBucketMetricsConfigurations",
  "ListDirectoryBuckets",
  "ListObjectAnnotations",
  "PutObjectAnnotation",
];

it("each operation whose answer has members of a document has one", () => {
  const { operations, shapes } = S3.model;
  const names = (Object.keys(OPERATIONS) as Array<keyof typeof OPERATIONS>).filter((operation) => {
    const { output } = operations[operation];
    const shape = output === null ? undefined : shapes[output];
    const hasMembers = Object.values(shape?.members ?? {}).some(({ location }) => location === undefined);
    const { body } = S3.protocol.serializeOutput(operation, {});
    return hasMembers && shape?.payload === undefined && (body as Buffer).length === 0;
  });
  expect(names.toSorted()).toEqual(WITHOUT);
});
