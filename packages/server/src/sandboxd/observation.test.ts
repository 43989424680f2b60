import { expect, it } from "vitest";
import { readObservation } from "./observation.ts";

const connection = { peer: "10.0.0.1:80", bytes: "474554", isCut: false };

it("reads what was sent, and that nothing was recorded", () => {
  const { sent, peers } = readObservation({ peers: ["10.0.0.1:80"], sent: { connections: [connection], isCut: true } });
  expect(sent).toEqual({
    connections: [{ peer: "10.0.0.1:80", bytes: Buffer.from("GET"), isCut: false }],
    isCut: true,
  });
  expect(peers).toEqual(["10.0.0.1:80"]);
  expect(readObservation({ sent: null }).sent).toBeNull();
  expect(readObservation({}).sent).toBeNull();
});

it.each([
  7,
  {},
  { connections: {}, isCut: false },
  { connections: [], isCut: 1 },
  ...[
    null,
    "x",
    { ...connection, peer: "<b>" },
    { ...connection, bytes: "47454" },
    { ...connection, bytes: "zz" },
    { ...connection, isCut: null },
  ].map((each) => ({
    connections: [each],
    isCut: false,
  })),
])("refuses %j", (sent) => {
  expect(() => readObservation({ sent })).toThrow("The host could not run the execution environment.");
});
