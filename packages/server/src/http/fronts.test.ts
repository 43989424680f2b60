import { expect, it } from "vitest";
import type { Front } from "./fronts/front.ts";
import type { FrontChoice, FrontRule } from "./fronts/front-rule.ts";
import { chooseByRules } from "./fronts.ts";
import { errorReply, refusalOf } from "./reply.ts";
import { readHead } from "./wire-head.ts";

function choiceOf(name: string, isPublic: boolean): FrontChoice {
  const front: Front = { admit: () => errorReply("UnknownOperationException", name) };
  return { services: [name], isPublic, of: () => front, refuse: refusalOf };
}

const URLS = choiceOf("urls", true);
const OWN = choiceOf("own", false);
const OTHERS = choiceOf("others", false);
const byHost: FrontRule = ({ hostName }) => (hostName.endsWith(".lambda-url.thaw.test") ? URLS : null);
const byPath: FrontRule = ({ path }) => (path.startsWith("/_thaw/v1/") ? OWN : null);
const choose = chooseByRules([byHost, byPath], OTHERS);

it.for([
  ["abc.lambda-url.thaw.test", "/", URLS],
  ["abc.lambda-url.thaw.test:9000", "/2015-03-31/functions", URLS],
  ["ABC.Lambda-URL.thaw.test:9000", "/_thaw/v1/host?a=b", URLS],
  ["thaw.test:9000", "/_thaw/v1/host?a=b", OWN],
  ["thaw.test", "/2015-03-31/functions", OTHERS],
  ["thaw.test:9000.lambda-url.thaw.test", "/", OTHERS],
  [undefined, "/2015-03-31/functions", OTHERS],
] as const)("chooses a front by the host first, then by the path: %s%s", ([host, target, choice]) => {
  expect(choose(readHead("GET", target, { host }))).toBe(choice);
});

it.for([
  ["thaw.test", "thaw.test"],
  ["Thaw.Test:9000", "thaw.test"],
  ["thaw.test:", "thaw.test"],
  ["127.0.0.1:9000", "127.0.0.1"],
  ["[::1]", "[::1]"],
  ["[::1]:9000", "[::1]"],
  ["[FE80::1]:9000", "[fe80::1]"],
  ["[::1", ""],
  ["[::1]x", ""],
  ["::1", ""],
  ["thaw.test:90x", ""],
  ["thaw.test:1:2", ""],
  [":9000", ""],
  ["", ""],
  [undefined, ""],
] as const)("reads the name of the host %s", ([host, name]) => {
  const head = readHead("GET", "/", { host });
  expect(head.hostName).toBe(name);
  expect(head.signed.headers.host).toBe(host);
});
