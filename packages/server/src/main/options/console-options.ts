/** The settings of the web console. */
import { defaulted } from "./declaration.ts";
import { hostNames, oneOf } from "./value-types.ts";

export const CONSOLE_OPTIONS = {
  console: defaulted({
    name: "console",
    flag: "on|off|insecure",
    variable: "THAW_CONSOLE",
    type: oneOf("on", "off", "insecure"),
    default: "on",
    unit: null,
    help: "the web console; insecure: on connections from other hosts without TLS, too, where its token can be read",
  }),
  consoleHosts: defaulted({
    name: "console-host",
    flag: "NAME",
    isList: true,
    variable: "THAW_CONSOLE_HOSTS",
    type: hostNames,
    default: "",
    defaultText: "127.0.0.1, [::1] and localhost",
    unit: null,
    help: "a further name that browsers may call the server by to see the console; repeatable",
  }),
};
