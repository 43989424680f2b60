/** Messages of queues, topics and buses. */
import { inBase64 } from "./base64.ts";
import type { Place, Sample, SampleName } from "./names.ts";

const AT = "2026-01-01T00:00:00Z";
const AT_MS = Date.parse(AT);

export const MESSAGES = {
  SQS: ({ accountId, region }) => ({
    Records: [
      {
        messageId: "059f36b4-87a3-44ab-83d2-661975830a7d",
        receiptHandle: "handle",
        body: "a message",
        attributes: {
          ApproximateReceiveCount: "1",
          SentTimestamp: String(AT_MS),
          SenderId: accountId,
          ApproximateFirstReceiveTimestamp: String(AT_MS),
        },
        messageAttributes: { kind: { dataType: "String", stringValue: "greeting" } },
        md5OfBody: "70645f4a342b238e21cb034ffde4279b",
        eventSource: "aws:sqs",
        eventSourceARN: `arn:aws:sqs:${region}:${accountId}:queue`,
        awsRegion: region,
      },
    ],
  }),
  SNS: ({ accountId, region }) => ({
    Records: [
      {
        EventSource: "aws:sns",
        EventVersion: "1.0",
        EventSubscriptionArn: `arn:aws:sns:${region}:${accountId}:topic:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55`,
        Sns: {
          Type: "Notification",
          MessageId: "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
          TopicArn: `arn:aws:sns:${region}:${accountId}:topic`,
          Subject: "a subject",
          Message: "a message",
          Timestamp: "2026-01-01T00:00:00.000Z",
          SignatureVersion: "1",
          Signature: "signature",
          SigningCertUrl: `https://sns.${region}.amazonaws.com/SimpleNotificationService.pem`,
          UnsubscribeUrl: `https://sns.${region}.amazonaws.com/?Action=Unsubscribe`,
          MessageAttributes: { kind: { Type: "String", Value: "greeting" } },
        },
      },
    ],
  }),
  EventBridge: (place) => bridged(place, "order placed", "shop.orders", [], { orderId: "1", total: 12.5 }),
  Schedule: (place) => {
    const rule = `arn:aws:events:${place.region}:${place.accountId}:rule/schedule`;
    return bridged(place, "Scheduled Event", "aws.events", [rule], {});
  },
  "Kafka (Amazon MSK)": ({ accountId, region }) => ({
    eventSource: "aws:kafka",
    eventSourceArn: `arn:aws:kafka:${region}:${accountId}:cluster/cluster/751d2973-a626-431c-9d4e-d7975eb44dd7-2`,
    bootstrapServers: `b-1.cluster.kafka.${region}.amazonaws.com:9092`,
    records: {
      "topic-0": [
        {
          topic: "topic",
          partition: 0,
          offset: 15,
          timestamp: AT_MS,
          timestampType: "CREATE_TIME",
          key: inBase64("key"),
          value: inBase64('{"orderId":"1"}'),
          headers: [{ kind: [103, 114, 101, 101, 116, 105, 110, 103] }],
        },
      ],
    },
  }),
  "Amazon MQ (ActiveMQ)": ({ accountId, region }) => ({
    eventSource: "aws:mq",
    eventSourceArn: `arn:aws:mq:${region}:${accountId}:broker:broker:b-9bcfa592-423a-4942-879d-eb284b418fc8`,
    messages: [
      {
        messageID: "ID:b-9bcfa592-423a-4942-879d-eb284b418fc8-1.mq.amazonaws.com-37557-1234520418293-4:1:1:1:1",
        messageType: "jms/text-message",
        deliveryMode: 1,
        replyTo: null,
        type: null,
        expiration: "60000",
        priority: 1,
        correlationId: "correlation",
        redelivered: false,
        destination: { physicalName: "queue" },
        data: inBase64("a message"),
        timestamp: AT_MS,
        brokerInTime: AT_MS,
        brokerOutTime: AT_MS + 1,
        properties: { kind: "greeting" },
      },
    ],
  }),
  "Amazon MQ (RabbitMQ)": ({ accountId, region }) => ({
    eventSource: "aws:rmq",
    eventSourceArn: `arn:aws:mq:${region}:${accountId}:broker:broker:b-9bcfa592-423a-4942-879d-eb284b418fc8`,
    rmqMessagesByQueue: {
      "queue::/": [
        {
          basicProperties: {
            contentType: "text/plain",
            contentEncoding: null,
            headers: { kind: { bytes: [103, 114, 101, 101, 116, 105, 110, 103] } },
            deliveryMode: 1,
            priority: 34,
            correlationId: null,
            replyTo: null,
            expiration: "60000",
            messageId: null,
            timestamp: "Jan 1, 2026, 12:00:00 AM",
            type: null,
            userId: "user",
            appId: null,
            clusterId: null,
            bodySize: 9,
          },
          redelivered: false,
          data: inBase64("a message"),
        },
      ],
    },
  }),
  "SES receipt": ({ accountId, region }) => ({
    Records: [
      {
        eventSource: "aws:ses",
        eventVersion: "1.0",
        ses: {
          mail: {
            timestamp: "2026-01-01T00:00:00.000Z",
            source: "jane@example.com",
            messageId: "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1",
            destination: ["john@example.com"],
            headersTruncated: false,
            headers: [{ name: "From", value: "Jane <jane@example.com>" }],
            commonHeaders: { from: ["Jane <jane@example.com>"], to: ["john@example.com"], subject: "a subject" },
          },
          receipt: {
            timestamp: "2026-01-01T00:00:00.000Z",
            processingTimeMillis: 574,
            recipients: ["john@example.com"],
            spamVerdict: { status: "PASS" },
            virusVerdict: { status: "PASS" },
            spfVerdict: { status: "PASS" },
            dkimVerdict: { status: "PASS" },
            dmarcVerdict: { status: "PASS" },
            action: {
              type: "Lambda",
              functionArn: `arn:aws:lambda:${region}:${accountId}:function:mail`,
              invocationType: "Event",
            },
          },
        },
      },
    ],
  }),
} as const satisfies Partial<Record<SampleName, Sample>>;

function bridged(
  { accountId, region }: Place,
  type: string,
  source: string,
  resources: readonly string[],
  detail: object,
): object {
  return {
    version: "0",
    id: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": type,
    source,
    account: accountId,
    time: AT,
    region,
    resources,
    detail,
  };
}
