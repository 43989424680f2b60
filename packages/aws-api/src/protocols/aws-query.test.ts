/** The Query protocol: nested parameters in, XML out, by the model alone. */
import { expect, it } from "vitest";
import type { ServiceModel } from "../model.ts";
import { SerializationError } from "../validate.ts";
import { AwsQuery } from "./aws-query.ts";
import type { WireRequest } from "./rest-json.ts";

type Name = "Do" | "Nothing";

const MODEL: ServiceModel<Name> = {
  scope: "test",
  operations: {
    Do: { method: "POST", uri: "/", status: 200, input: "In", output: "In" },
    Nothing: { method: "POST", uri: "/", status: 200, input: null, output: null },
  },
  shapes: {
    In: {
      type: "structure",
      members: {
        Text: { shape: "String" },
        Number: { shape: "Integer" },
        Is: { shape: "Boolean" },
        At: { shape: "Time" },
        List: { shape: "List" },
        Flat: { shape: "Flat" },
        Map: { shape: "Map" },
      },
    },
    String: { type: "string" },
    Integer: { type: "integer" },
    Boolean: { type: "boolean" },
    Time: { type: "timestamp" },
    Tag: { type: "structure", members: { Key: { shape: "String" } } },
    List: { type: "list", member: { shape: "Tag" } },
    Flat: { type: "list", member: { shape: "String" }, flattened: true },
    Map: { type: "map", key: { shape: "String" }, value: { shape: "Integer" } },
  },
  errors: {},
  checkedByTheService: new Set(),
  saidByTheService: {},
};
const NAMES = { scope: "test", targetPrefix: "", jsonVersion: "", apiVersion: "1", xmlNamespace: "urn:test" };
const protocol = new AwsQuery(MODEL, NAMES);

const INPUT = {
  Text: "a&<b>",
  Number: 7,
  Is: true,
  At: new Date("2026-11-29T00:00:00.000Z"),
  List: [{ Key: "one" }, { Key: "two" }],
  Flat: ["x", "y"],
  Map: { size: 3 },
};

function requestOf(parameters: Readonly<Record<string, string>>): WireRequest {
  const body = Buffer.from(new URLSearchParams(parameters).toString());
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  return { method: "POST", path: "/", query: new URLSearchParams(), headers, body };
}

const FORM = {
  Action: "Do",
  Version: "1",
  Text: "a&<b>",
  Number: "7",
  Is: "true",
  At: "2026-11-29T00:00:00Z",
  "List.member.2.Key": "two",
  "List.member.1.Key": "one",
  "Flat.1": "x",
  "Flat.2": "y",
  "Map.entry.1.key": "size",
  "Map.entry.1.value": "3",
};

it("reads members, lists and maps of a form", () => {
  const request = requestOf(FORM);
  expect(protocol.match(request)).toBe("Do");
  expect(protocol.parseInput("Do", request)).toEqual(INPUT);
});

it("reads the query of a GET, as presigned links have it", () => {
  const request = { ...requestOf({}), method: "GET", query: new URLSearchParams({ Action: "Nothing" }) };
  expect(protocol.match(request)).toBe("Nothing");
  expect(protocol.match(requestOf({ Action: "constructor" }))).toBe(null);
});

it("refuses what is no number, and names that are nested too deep", () => {
  const read = (form: Record<string, string>) => () => protocol.parseInput("Do", requestOf(form));
  expect(read({ Number: "seven" })).toThrow(SerializationError);
  expect(read({ At: "yesterday" })).toThrow(SerializationError);
  expect(read({ [Array.from({ length: 40 }, () => "a").join(".")]: "1" })).toThrow(SerializationError);
});

it("writes an answer and an error with the request's id", () => {
  expect(String(protocol.serializeOutput("Do", INPUT, "id-1").body)).toBe(
    '<DoResponse xmlns="urn:test"><DoResult><Text>a&amp;&lt;b&gt;</Text><Number>7</Number><Is>true</Is>' +
      "<At>2026-11-29T00:00:00.000Z</At><List><member><Key>one</Key></member><member><Key>two</Key></member></List>" +
      "<Flat>x</Flat><Flat>y</Flat><Map><entry><key>size</key><value>3</value></entry></Map></DoResult>" +
      "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DoResponse>\n",
  );
  expect(String(protocol.serializeOutput("Nothing", {}, "id-2").body)).toBe(
    '<NothingResponse xmlns="urn:test"><ResponseMetadata><RequestId>id-2</RequestId></ResponseMetadata></NothingResponse>\n',
  );
  const error = protocol.serializeError("InvalidSignatureException", "no\u0001", 403, "id-3");
  expect(error.status).toBe(403);
  expect(String(error.body)).toBe(
    '<ErrorResponse xmlns="urn:test"><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>' +
      "<Message>no\ufffd</Message></Error><RequestId>id-3</RequestId></ErrorResponse>\n",
  );
});
