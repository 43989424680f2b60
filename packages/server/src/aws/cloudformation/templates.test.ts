import { expect, it } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { processed, readText } from "./templates.ts";

const PLACE = { accountId: "1", region: "r", stackId: "s", stackName: "n", notificationArns: [] };

it("a template with a transform is read once", async () => {
  const parts = {
    clock: systemClock,
    services: { call: () => Promise.reject(new Error("no service is asked")) },
    transform: { transform: () => Promise.reject(new Error("no library is asked")), close: () => undefined },
  };
  const text = JSON.stringify({
    Transform: "AWS::LanguageExtensions",
    Resources: { "Fn::ForEach::Topics": ["Name", ["A", "B"], { "T${Name}": { Type: "AWS::SNS::Topic" } }] },
  });
  const read = await readText(parts, text);
  // Another reading would find that this is no template.
  const again = { ...read, original: "Transform: [" };
  const { template, processed: made } = await processed(parts, again, { place: PLACE, parameters: {}, ssm: new Map() });
  expect(Object.keys(template.resources)).toEqual(["TA", "TB"]);
  expect(JSON.parse(made)).toMatchObject({ Resources: { TA: { Type: "AWS::SNS::Topic" } } });
});
