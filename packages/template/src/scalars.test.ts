/** Plain scalars of YAML 1.1 as they reach a function's variables. */
import { it } from "vitest";
import { noteText } from "./notes.ts";
import { parseTemplate } from "./template.ts";

const SCALARS: ReadonlyArray<readonly [string, string, boolean]> = [
  // The text, what arrives, and whether there is a note.
  ["yes", "true", true],
  ["Off", "false", true],
  ["true", "true", false],
  ["y", "y", false],
  ["0755", "493", true],
  ["012345670123", "1402433619", true],
  ["012345678901", "012345678901", true],
  ["12345678901234567890", "12345678901234567890", false],
  ["1.10", "1.1", true],
  ["1.0", "1.0", false],
  ["1e3", "1e3", true],
  ["0x1F", "31", true],
  ["1_000", "1000", true],
  ["1:30", "90", true],
  ["2012-10-17", "2012-10-17", false],
  ["10:00:60", "10:00:60", false],
  ["'0755'", "0755", false],
  ["!!str 0755", "0755", false],
  ["+5", "5", true],
  [".5", "0.5", true],
];

it.for(SCALARS)("%s is %s", ([source, expected, isNoted], { expect }) => {
  const text = `Resources: { F: { Type: AWS::Lambda::Function, Properties: { Environment: { Variables: {\nX: ${source}\n} } } } }`;
  const template = parseTemplate(text, "t");
  const places: string[] = [];
  const none = (): void => undefined;
  noteText(template, { error: none, unsupported: none, note: (place) => void places.push(place) });
  const { Properties } = template.resources["F"] as unknown as { readonly Properties: Settings };
  expect(String(Properties.Environment.Variables.X)).toBe(expected);
  expect(places).toEqual(isNoted ? ["Resources.F.Environment.Variables.X"] : []);
});

interface Settings {
  readonly Environment: { readonly Variables: { readonly X: unknown } };
}

it("keeps the digits of numbers in JSON", ({ expect }) => {
  const { resources } = parseTemplate(
    '{"Resources": {"F": {"Type": "x", "Properties": {"a": 12345678901234567890, "b": 1.0, "c": 1.10, "d": 5, "\\u0065": "yes"}}}}',
    "t",
  );
  expect(resources["F"]).toMatchObject({
    Properties: { a: "12345678901234567890", b: "1.0", c: 1.1, d: 5, e: "yes" },
  });
});

it("reads what CloudFormation's parser reads: double keys, flow collections with little indentation", ({ expect }) => {
  const text = `Resources:
  A:
    Type: x
    Properties:
      P: [{
        "a": 1
    },
  {"b": 2}
  ]
      Q: 1
      Q: 2
`;
  const { resources, doubles } = parseTemplate(text, "t");
  expect(resources["A"]).toEqual({ Type: "x", Properties: { P: [{ a: 1 }, { b: 2 }], Q: 2 } });
  expect(doubles).toEqual(["Resources.A.Properties.Q"]);
});

it("mends lines of flow collections in small texts alone: each of them reads the whole text once more", ({
  expect,
}) => {
  const lines = Array.from({ length: 10 }, () => "\n 1,").join("");
  const textOf = (padding: number): string =>
    `Resources:\n  A: { Type: x }\nMetadata:\n  P: [1,${lines}]\n  Q: ${"q".repeat(padding)}\n`;
  expect(parseTemplate(textOf(10_000), "t").metadata?.["P"]).toHaveLength(11);
  expect(() => parseTemplate(textOf(200_000), "t")).toThrow(/must be sufficiently indented/);
});

it.for([
  ["a: [", /t: /],
  // Where the text says it, not where lines were moved to.
  ["Resources: [broken", /^t: Flow sequence .* at line 1, column 19:\n\nResources: \[broken\n/],
  ["Resources: {}\nMetadata: [\n1\n]\nOutputs: {a\n", /^t: Flow map .* at line 6, column 1:/],
  ["just text", /t: it has no Resources, so it is no template/],
  ["Resources: { A: b }", /Resources.A must be a map with a Type/],
  ["Resources: {}\nOutputs: [a]", /Outputs must be a map of names/],
  [`{"Resources": ${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`, /nested more than 200 levels deep/],
  [`Resources: ${"[".repeat(20_000)}${"]".repeat(20_000)}`, /^t: it is nested more than 200 levels deep$/],
  [
    "Resources: {}\nX: &a [x, x, x, x, x, x, x, x, x, x]\nY: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nZ: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]",
    /Excessive alias/,
  ],
] as const)("refuses %.60j in a sentence", ([text, message], { expect }) => {
  expect(() => parseTemplate(text, "t")).toThrow(message);
});
