import { expect, it } from "vitest";
import { mockStatus, readOrigins } from "./mock.ts";

it.for([
  ['{"statusCode": 200}', "200"],
  ["{statusCode:204}", "204"],
  ["{ 'statusCode' : '201', }", "201"],
  ['{"statusCode": 20}', null],
  ['{"statusCode": $x}', null],
  ["", null],
  [`{"statusCode": 200${" ".repeat(300_000)}`, null],
] as const)("%s says %s", ([template, status]) => {
  expect(mockStatus(template)).toBe(status);
});

const origins = (condition: string): string => `#set($origin = $input.params("Origin"))
#if($origin == "") #set($origin = $input.params("origin")) #end
#if(${condition})
  #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
#end`;

it.for([
  ['$origin.matches("https://a.example")', ["https://a?example"]],
  ['$origin.matches("https://a[.]b") || $origin.matches("http://.*")', ["https://a.b", "http://*"]],
  ["$origin.matches('.+')", ["?*"]],
  ['$origin.matches("(a+)+")', null],
  ['$origin.matches("a*")', null],
  ['$origin != "x"', null],
  ["", null],
] as const)("origins of %s are %j", ([condition, expected]) => {
  expect(readOrigins(origins(condition))).toEqual(expected);
});

it("a long text is looked at once", () => {
  expect(readOrigins(") #set(".repeat(50_000))).toBeNull();
});
