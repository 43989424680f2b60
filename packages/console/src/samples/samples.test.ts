/** Events to begin with: that each is there, comes from the place of the login, and holds what a function reads. */
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { SAMPLE_NAMES, type SampleName } from "./names.ts";
import { sampleOf } from "./samples.ts";

const PLACE = { accountId: "111122223333", region: "eu-central-1" };
const textOf = (name: SampleName): Promise<string> => sampleOf(name, PLACE);
const eventOf = async (name: SampleName): Promise<any> => JSON.parse(await textOf(name));

it("has an event of each name, unlike all others", async () => {
  const texts = await Promise.all(SAMPLE_NAMES.map(textOf));
  expect(SAMPLE_NAMES.length).toBeGreaterThanOrEqual(20);
  expect(new Set(texts).size).toBe(SAMPLE_NAMES.length);
});

it("names no other account and no other region than those of the login", async () => {
  for (const name of SAMPLE_NAMES) {
    const text = await textOf(name);
    for (const [, region, account] of text.matchAll(/arn:aws:[\w-]+:([\w-]*):(\d*):/g)) {
      expect(["", PLACE.region], name).toContain(region);
      expect(["", PLACE.accountId], name).toContain(account);
    }
    expect(text.match(/\b[a-z]{2}-[a-z]+-\d\b/g) ?? [], name).toSatisfy((found: string[]) =>
      found.every((each) => each === PLACE.region),
    );
    expect(text, name).not.toContain("undefined");
  }
});

it("holds data in the form in which a function has to read it", async () => {
  const { awslogs } = await eventOf("CloudWatch Logs");
  expect(JSON.parse(gunzipSync(Buffer.from(awslogs.data, "base64")).toString())).toMatchObject({
    owner: PLACE.accountId,
    logEvents: [{ message: "ERROR a message" }],
  });
  const plain = (data: string): string => Buffer.from(data, "base64").toString();
  expect(plain((await eventOf("Kinesis")).Records[0].kinesis.data)).toBe("a record");
  expect(plain((await eventOf("Data Firehose transformation")).records[0].data)).toBe("a record");
  expect(JSON.parse(plain((await eventOf("Kafka (Amazon MSK)")).records["topic-0"][0].value))).toEqual({
    orderId: "1",
  });
  expect(plain((await eventOf("Amazon MQ (ActiveMQ)")).messages[0].data)).toBe("a message");
  expect(plain((await eventOf("Amazon MQ (RabbitMQ)")).rmqMessagesByQueue["queue::/"][0].data)).toBe("a message");
  expect(JSON.parse((await eventOf("Config rule")).invokingEvent).configurationItem.awsAccountId).toBe(PLACE.accountId);
});
