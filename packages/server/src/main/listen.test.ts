import { expect, it } from "vitest";
import { checkListener } from "./listen.ts";
import { parseServeOptions } from "./options/serve-options.ts";

const OWN = { THAW_ACCESS_KEY_ID: "AKIAOWN", THAW_SECRET_ACCESS_KEY: "secret" };
const check = (listen: string, env: Readonly<Record<string, string>>) => () =>
  checkListener(parseServeOptions(["--listen", listen], env, false));

it.for(["127.0.0.1:9000", "[::1]:9000", "localhost:9000"])("%s needs nothing", (listen) => {
  expect(check(listen, {})).not.toThrow();
});

it.for(["0.0.0.0:9000", "[::]:9000", "192.0.2.1:9000"])("%s needs credentials of one's own", (listen) => {
  expect(check(listen, {})).toThrow(/reachable from outside: set THAW_ACCESS_KEY_ID and/);
  expect(check(listen, OWN)).not.toThrow();
});
