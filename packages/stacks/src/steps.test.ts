import { expect, it } from "vitest";
import { parseTemplate } from "@thaw/template/template";
import { checkTemplateInSteps } from "./check-template.ts";
import { checkReferencesInSteps } from "./dynamic-references.ts";
import { FAKE_TYPES, PLACE } from "./fake-types.ts";
import { planInSteps } from "./plan.ts";
import { prepareInSteps } from "./prepare.ts";
import { finish, type Steps } from "./steps.ts";

const RESOURCE_COUNT = 300;
const THING = { Type: "Custom::Thing", Properties: { ServiceToken: "x", Value: { Ref: "R0" } } };
const template = parseTemplate(
  JSON.stringify({
    Resources: {
      R0: { Type: "AWS::SNS::Topic" },
      ...Object.fromEntries(Array.from({ length: RESOURCE_COUNT - 1 }, (_, at) => [`R${at + 1}`, THING])),
    },
  }),
  "a template",
);

function counted<T>(steps: Steps<T>): { readonly stepCount: number; readonly value: T } {
  let stepCount = 0;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return { stepCount, value: step.value };
    stepCount++;
  }
}

it("a template is checked, prepared and planned resource by resource", () => {
  // Their references are looked at three times.
  expect(counted(checkTemplateInSteps(template))).toEqual({ stepCount: 3 * RESOURCE_COUNT, value: null });
  const prepared = counted(
    prepareInSteps({
      template,
      place: PLACE,
      tags: {},
      parameters: {},
      ssm: new Map(),
      exports: new Map(),
      types: FAKE_TYPES,
      digest: () => "",
    }),
  );
  expect(prepared.stepCount).toBe(5 * RESOURCE_COUNT);
  const target = prepared.value.prepared;
  const planned = counted(planInSteps({ target, previous: null, resources: [], types: FAKE_TYPES }));
  expect(planned.stepCount).toBe(RESOURCE_COUNT);
  expect(planned.value.changes).toHaveLength(RESOURCE_COUNT);
  expect(counted(checkReferencesInSteps(planned.value.changes, FAKE_TYPES)).stepCount).toBe(RESOURCE_COUNT);
});

it("what is thrown in a step is thrown by the whole", () => {
  const broken = { ...template, resources: { R: { ...THING, Properties: { Value: null } } } };
  const steps = prepareInSteps({
    template: broken,
    place: PLACE,
    tags: {},
    parameters: {},
    ssm: new Map(),
    exports: new Map(),
    types: FAKE_TYPES,
    digest: () => "",
  });
  expect(() => finish(steps)).toThrow("'null' values are not allowed in templates");
});
