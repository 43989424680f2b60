import type { Stack } from "@aws-sdk/client-cloudformation";
import { it } from "vitest";
import { parametersFor, refuseRunning, shownParameters } from "./stack.ts";

function stack(StackStatus: NonNullable<Stack["StackStatus"]>): Stack {
  const Parameters = [
    { ParameterKey: "Stage", ParameterValue: "prod" },
    { ParameterKey: "Secret", ParameterValue: "****" },
    { ParameterKey: "Former", ParameterValue: "x" },
  ];
  return { StackName: "shop", CreationTime: new Date(0), StackStatus, Parameters };
}

it("lets no command near a stack in which a run is under way, but near one that is only reviewed", ({ expect }) => {
  for (const status of ["UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"] as const)
    expect(() => refuseRunning(stack(status))).toThrow(`the stack shop is being changed (${status})`);
  for (const status of ["REVIEW_IN_PROGRESS", "UPDATE_COMPLETE"] as const)
    expect(() => refuseRunning(stack(status))).not.toThrow();
});

it("keeps values of parameters that are declared, were given before, and are not given now", ({ expect }) => {
  const declared = ["Stage", "Secret", "Size", "New"];
  expect(parametersFor(declared, { Size: "9" }, stack("CREATE_COMPLETE"))).toEqual([
    { ParameterKey: "Size", ParameterValue: "9" },
    { ParameterKey: "Stage", UsePreviousValue: true },
    { ParameterKey: "Secret", UsePreviousValue: true },
  ]);
  // Nothing was ever made with what a review had.
  expect(parametersFor(declared, {}, stack("REVIEW_IN_PROGRESS"))).toEqual([]);
  expect(parametersFor(declared, {}, null)).toEqual([]);
  expect(shownParameters(stack("CREATE_COMPLETE"))).toEqual({ Stage: "prod", Former: "x" });
});
