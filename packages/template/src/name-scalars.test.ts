/** Names that YAML 1.1 would read as something else. */
import { expect, it } from "vitest";
import { noteText } from "./notes.ts";
import { parseTemplate } from "./template.ts";

const CALLS = `
      A: { Ref: On }
      B: { "Fn::GetAtt": [On, 0777] }
      C: !GetAtt [On, 1_000]
      D: { "Fn::If": [Yes, yes, 0777] }
      E: !If [No, !If [off, 1, 2], { Ref: On }]
      F: !FindInMap [0123, 12:30, yes]
      G: [{ Condition: yes }, { Ref: On, Other: on }]
`;

it("names are kept as they are written, values are not", () => {
  const { resources, conditions, outputs, reread } = parseTemplate(
    `Conditions:
  No: !Not [{ Condition: Yes }]
  Yes: !Or [!Condition Off, { Condition: Off }, !Equals [on, { Ref: On }]]
  Off: { "Fn::And": [{ Condition: y }, { "Fn::Equals": [0777, yes] }] }
Resources:
  On: { Type: on, Condition: No, DependsOn: Off, DeletionPolicy: Retain }
  Off:
    Type: Custom::Thing
    DependsOn: [On, "No", 0777]
    Properties:${CALLS}
Outputs: { Yes: { Condition: Yes, Value: yes } }`,
    "t",
  );
  expect(resources).toEqual({
    On: { Type: "on", Condition: "No", DependsOn: "Off", DeletionPolicy: "Retain" },
    Off: {
      Type: "Custom::Thing",
      DependsOn: ["On", "No", "0777"],
      Properties: {
        A: { Ref: "On" },
        B: { "Fn::GetAtt": ["On", "0777"] },
        C: { "Fn::GetAtt": ["On", "1_000"] },
        D: { "Fn::If": ["Yes", true, 511] },
        E: { "Fn::If": ["No", { "Fn::If": ["off", 1, 2] }, { Ref: "On" }] },
        F: { "Fn::FindInMap": ["0123", "12:30", "yes"] },
        G: [{ Condition: true }, { Ref: true, Other: true }],
      },
    },
  });
  expect(conditions).toEqual({
    No: { "Fn::Not": [{ Condition: "Yes" }] },
    Yes: { "Fn::Or": [{ Condition: "Off" }, { Condition: "Off" }, { "Fn::Equals": [true, { Ref: "On" }] }] },
    Off: { "Fn::And": [{ Condition: "y" }, { "Fn::Equals": [511, true] }] },
  });
  expect(outputs).toEqual({ Yes: { Condition: "Yes", Value: true } });
  expect([...reread.keys()].filter((path) => /Ref$|Condition$|DependsOn/.test(path))).toEqual([
    "Resources.Off.Properties.G[0].Condition",
    "Resources.Off.Properties.G[1].Ref",
  ]);
});

it("a name is not noted as a value that changes", () => {
  const template = parseTemplate("Resources: { F: { Type: x, Properties: { A: { Ref: On }, B: on } } }", "t");
  const places: string[] = [];
  const none = (): void => undefined;
  noteText(template, { error: none, unsupported: none, note: (place) => void places.push(place) });
  expect(places).toEqual(["Resources.F.B"]);
});
