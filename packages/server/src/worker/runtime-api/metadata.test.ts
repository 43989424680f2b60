import { expect, test } from "vitest";
import { zoneIdOf } from "./metadata.ts";

test.each([
  ["us-east-1", "use1-az1"],
  ["us-west-2", "usw2-az1"],
  ["eu-central-1", "euc1-az1"],
  ["ap-southeast-2", "apse2-az1"],
  ["ap-northeast-1", "apne1-az1"],
  ["ap-south-1", "aps1-az1"],
  ["us-gov-west-1", "usgw1-az1"],
  ["cn-northwest-1", "cnnw1-az1"],
])("the first zone of %s is %s", (region, zone) => {
  expect(zoneIdOf(region)).toBe(zone);
});
