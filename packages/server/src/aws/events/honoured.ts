/** Members of requests that are carried out. Any other is refused by name: nothing is taken and ignored. */
import { invalid } from "./stored-events.ts";

const HONOURED = {
  CreateEventBus: ["Name", "Description", "Tags"],
  UpdateEventBus: ["Name", "Description"],
  PutRule: ["Name", "ScheduleExpression", "EventPattern", "State", "Description", "RoleArn", "Tags", "EventBusName"],
  Target: ["Id", "Arn", "RoleArn", "Input", "InputPath", "InputTransformer", "DeadLetterConfig", "RetryPolicy"],
  PutEvents: ["Entries"],
} as const;

const INSTEAD: Readonly<Record<string, string>> = {
  KmsKeyIdentifier: "the disk's encryption is the host's matter",
  DeadLetterConfig: "name a queue for each target",
  LogConfig: "what is not delivered is in the server's log",
  EventSourceName: "there are no partners",
  EndpointId: "there are no global endpoints",
};

/** Throws a ValidationException where a request asks for something that would have no effect. */
export function checkHonoured(part: keyof typeof HONOURED, input: object): void {
  const honoured: readonly string[] = HONOURED[part];
  for (const [name, value] of Object.entries(input)) {
    if (honoured.includes(name) || value === undefined) continue;
    const instead = INSTEAD[name];
    throw invalid(
      `${name} is not supported by Thaw${instead === undefined ? "" : `: ${instead}`}. Leave it out of ${part}.`,
    );
  }
}
