import { expect, it } from "vitest";
import { withoutProperties } from "./hide.ts";

it("takes the properties of resources out of events, and leaves the rest as it is", () => {
  const event = (properties: string): string =>
    `<member><LogicalResourceId>F</LogicalResourceId>${properties}<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>`;
  const secret = "<ResourceProperties>{&quot;PASSWORD&quot;:&quot;hunter2 &lt;b&gt;&quot;}</ResourceProperties>";
  const reply = {
    status: 200,
    headers: {},
    body: Buffer.from(`<StackEvents>${event(secret)}${event("")}${event(secret)}</StackEvents>`),
  };
  expect(withoutProperties(reply).body.toString()).toBe(`<StackEvents>${event("").repeat(3)}</StackEvents>`);
});
