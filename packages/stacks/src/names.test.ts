/** Names that objects of JavaScript have by themselves are names like any other in a template. */
import { expect, it } from "vitest";
import { withGlobals } from "@thaw/template/globals";
import { parseSections, parseTemplate } from "@thaw/template/template";
import type { TemplateMap } from "@thaw/template/value";
import { evaluateResource } from "./evaluate.ts";
import { FAKE_TYPES, PLACE } from "./fake-types.ts";
import { plan } from "./plan.ts";
import { prepare } from "./prepare.ts";
import { applyTransforms } from "./transforms.ts";

const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
const IDS = NAMES.slice(1);
const VALUES = `{${NAMES.map((name) => `"${name}":"${name}"`).join(",")}}`;
const THING = `{"Type":"Custom::Thing","Properties":{"ServiceToken":"x","Values":${VALUES}}}`;
const TEXT = `{"Conditions":{"valueOf":{"Fn::Equals":["a","b"]}},"Resources":{${IDS.map((id) => `"${id}":${THING}`).join(",")}}}`;
const FACTS = { ref: () => undefined, attribute: () => undefined };

function prepared(text: string) {
  return prepare({
    template: parseTemplate(text, "a template"),
    place: PLACE,
    tags: {},
    parameters: {},
    ssm: new Map(),
    exports: new Map(),
    types: FAKE_TYPES,
    digest: () => "",
  }).prepared;
}

function shown(value: unknown): string {
  return JSON.stringify((value as { readonly Values: unknown }).Values);
}

it("as ids of resources, and as members of their properties", () => {
  const target = prepared(TEXT);
  const changes = plan({ target, previous: null, resources: [], types: FAKE_TYPES }).changes;
  expect(changes.map(({ logicalId }) => logicalId)).toEqual(IDS);
  for (const id of IDS) {
    const resource = target.resources[id];
    if (resource === undefined) throw new Error(`${id} is not there`);
    expect(shown(evaluateResource(target, id, resource, FACTS).properties)).toBe(VALUES);
  }
  expect(changes.map(({ after }) => shown(after?.["Properties"]))).toEqual(IDS.map(() => VALUES));
});

it("and none of them is there that was not given", () => {
  const thing = (value: string): string =>
    `{"Resources":{"A":{"Type":"Custom::Thing","Properties":{"ServiceToken":"x","V":${value}}}}}`;
  for (const name of IDS) {
    expect(() => prepared(thing(`{"Ref":"${name}"}`))).toThrow(name);
    expect(() => prepared(thing(`{"Fn::GetAtt":["${name}","Arn"]}`))).toThrow(name);
    expect(() => prepared(thing(`{"Fn::If":["${name}","a","b"]}`))).toThrow(name);
    expect(() => prepared(thing(`{"Fn::FindInMap":["${name}","a","b"]}`))).toThrow(name);
    expect(() => prepared(thing(`{"Fn::ImportValue":"${name}"}`))).toThrow(name);
  }
});

it("through transforms", async () => {
  const text = TEXT.replace(
    '"Resources":{',
    '"Transform":"AWS::LanguageExtensions","Resources":{"Fn::ForEach::A":["X",["A","B"],{"T${X}":' + THING + "}],",
  );
  const made = await applyTransforms({
    template: parseSections(text, "a template"),
    place: PLACE,
    parameters: {},
    ssm: new Map(),
    needs: {
      sam: () => Promise.reject(new Error("no library")),
      include: () => Promise.reject(new Error("no object")),
    },
  });
  const resources = made["Resources"] as Readonly<Record<string, { readonly Properties: unknown }>>;
  expect(Object.keys(resources)).toEqual(["TA", "TB", ...IDS]);
  for (const { Properties: properties } of Object.values(resources)) expect(shown(properties)).toBe(VALUES);
});

it("below Globals", () => {
  const template = parseTemplate(
    `{"Transform":"AWS::Serverless-2016-10-31","Globals":{"Function":{"Values":{"a":"b"}}},"Resources":{"A":${THING}}}`,
    "a template",
  );
  const own = JSON.parse(`{"Values":${VALUES}}`) as TemplateMap;
  expect(shown(withGlobals(template, {}, own))).toBe(`{"a":"b",${VALUES.slice(1)}`);
});
