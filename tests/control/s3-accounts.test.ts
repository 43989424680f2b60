/** Objects of two accounts and of two Regions are apart, whatever one knows of the other's names. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { expect, it, onTestFinished } from "vitest";
import { FUNCTIONS } from "./furnished-account.ts";
import { ALICE, BOB, FAR_REGION, REGION, ScopesHarness } from "./scopes-harness.ts";

const refusal = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "it was done",
    (error: Error) => error.name,
  );

it("buckets, objects, versions and uploads of one account are not there for another", async () => {
  await using harness = await ScopesHarness.start(FUNCTIONS);
  const clientOf = (account: string, region = REGION): S3Client => {
    const credentials = harness.keys.get(account);
    if (credentials === undefined) throw new Error(`no key of ${account}`);
    const endpoint = `http://${harness.host}`;
    const made = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
    onTestFinished(() => made.destroy());
    return made;
  };
  const [alice, bob, far] = [clientOf(ALICE), clientOf(BOB), clientOf(ALICE, FAR_REGION)];
  for (const [s3, Body] of [
    [alice, "alice's"],
    [far, "far"],
  ] as const) {
    await s3.send(new CreateBucketCommand({ Bucket: "mine" }));
    await s3.send(new PutObjectCommand({ Bucket: "mine", Key: "key", Body }));
  }
  const { UploadId } = await alice.send(new CreateMultipartUploadCommand({ Bucket: "mine", Key: "long" }));
  const upload = { Bucket: "mine", Key: "long", UploadId };
  const part = await alice.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: "part" }));
  const completion = new CompleteMultipartUploadCommand({
    ...upload,
    MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] },
  });

  expect((await bob.send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
  expect(await refusal(bob.send(new GetObjectCommand({ Bucket: "mine", Key: "key" })))).toBe("NoSuchBucket");
  // With a bucket of the same name, too, another's objects, sources and uploads are none.
  await bob.send(new CreateBucketCommand({ Bucket: "mine" }));
  expect(await refusal(bob.send(new GetObjectCommand({ Bucket: "mine", Key: "key" })))).toBe("NoSuchKey");
  const copy = new CopyObjectCommand({ Bucket: "mine", Key: "copy", CopySource: "mine/key" });
  expect(await refusal(bob.send(copy))).toBe("NoSuchKey");
  for (const asked of [new ListPartsCommand(upload), completion])
    expect(await refusal(bob.send(asked as ListPartsCommand))).toBe("NoSuchUpload");
  await bob.send(new PutObjectCommand({ Bucket: "mine", Key: "key", Body: "bob's" }));
  await alice.send(completion);

  const read = async (s3: S3Client, Key = "key"): Promise<string | undefined> =>
    (await s3.send(new GetObjectCommand({ Bucket: "mine", Key }))).Body?.transformToString();
  expect([await read(alice), await read(bob), await read(far), await read(alice, "long")]).toEqual([
    "alice's",
    "bob's",
    "far",
    "part",
  ]);
  expect(harness.problems).toEqual([]);
});
