import { expect, it } from "vitest";
import { busDetailOf, recordOf, type StoredObjectEvent } from "./event.ts";

const SCOPE = { accountId: "123456789012", region: "eu-west-1" };
const EVENT: StoredObjectEvent = {
  id: 0xabc,
  name: "ObjectCreated:Put",
  requestId: "C3D13FE58DE4C810",
  sourceIp: "203.0.113.9",
  userId: "AROAEXAMPLE:session",
  traceId: null,
  timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  bucket: "things",
  key: "a b/ü!.txt",
  versionId: "v1",
  sizeBytes: 3,
  etag: "900150983cd24fb0d6963f7d28e17f72",
  targets: [],
  isToBus: true,
};

it("a record has each field that S3's has", () => {
  expect(JSON.parse(recordOf(SCOPE, EVENT, "rule"))).toEqual({
    Records: [
      {
        eventVersion: "2.1",
        eventSource: "aws:s3",
        awsRegion: "eu-west-1",
        eventTime: "2026-01-02T03:04:05.678Z",
        eventName: "ObjectCreated:Put",
        userIdentity: { principalId: "AWS:AROAEXAMPLE:session" },
        requestParameters: { sourceIPAddress: "203.0.113.9" },
        responseElements: { "x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "C3D13FE58DE4C810" },
        s3: {
          s3SchemaVersion: "1.0",
          configurationId: "rule",
          bucket: { name: "things", ownerIdentity: { principalId: "123456789012" }, arn: "arn:aws:s3:::things" },
          object: {
            key: "a+b/%C3%BC%21.txt",
            size: 3,
            eTag: "900150983cd24fb0d6963f7d28e17f72",
            versionId: "v1",
            sequencer: "000000000000000ABC",
          },
        },
      },
    ],
  });
});

it("a record of tags has another version, and no place in the sequence", () => {
  const [record] = JSON.parse(recordOf(SCOPE, { ...EVENT, name: "ObjectTagging:Put" }, "rule")).Records;
  expect(record).toMatchObject({ eventVersion: "2.3", eventName: "ObjectTagging:Put" });
  expect(record.s3.object).toEqual({ key: "a+b/%C3%BC%21.txt", eTag: EVENT.etag, versionId: "v1" });
});

it("an event on a bus has the key as it is", () => {
  const { detailType, detail } = busDetailOf(SCOPE, { ...EVENT, name: "ObjectRemoved:DeleteMarkerCreated" });
  expect([detailType, JSON.parse(detail)]).toEqual([
    "Object Deleted",
    {
      version: "0",
      bucket: { name: "things" },
      object: {
        key: "a b/ü!.txt",
        size: 3,
        etag: EVENT.etag,
        "version-id": "v1",
        sequencer: "000000000000000ABC",
      },
      "request-id": "C3D13FE58DE4C810",
      requester: "123456789012",
      "source-ip-address": "203.0.113.9",
      reason: "DeleteObject",
      "deletion-type": "Delete Marker Created",
    },
  ]);
});

it("a key that is no Unicode has a record all the same", () => {
  expect(JSON.parse(recordOf(SCOPE, { ...EVENT, key: "\ud800" }, "rule")).Records[0].s3.object.key).toBe("%EF%BF%BD");
});
