/** The settings of what functions can reach. */
import { defaulted } from "./declaration.ts";
import { hostPorts } from "./host-ports.ts";
import { serviceCallers } from "./service-callers.ts";
import { networks } from "./value-types.ts";

export const NETWORK_OPTIONS = {
  networkDenied: defaulted({
    name: "network-deny",
    flag: "CIDR",
    isList: true,
    variable: "THAW_NETWORK_DENY",
    type: networks,
    default: "",
    defaultText: "none",
    unit: null,
    help: "a network that functions can't reach: 10.0.0.0/8, or private for RFC 1918 and 100.64.0.0/10; name servers of the host in it are out of reach, too; repeatable",
  }),
  hostPorts: defaulted({
    name: "allow-host",
    flag: "[FUNCTION=]ADDRESS:PORT",
    isList: true,
    variable: "THAW_ALLOW_HOST",
    type: hostPorts,
    default: "",
    defaultText: "none",
    unit: null,
    help: "a TCP port of this host that functions may reach, as host.thaw.internal:PORT: 127.0.0.1:5432, or for one function alone orders=127.0.0.1:5432; repeatable",
  }),
  serviceCallers: defaulted({
    name: "allow-services",
    flag: "[ACCOUNT:]FUNCTION",
    isList: true,
    variable: "THAW_ALLOW_SERVICES",
    type: serviceCallers,
    default: "",
    defaultText: "none",
    unit: null,
    help: "a function whose AWS clients find this server's services, with the credentials of its environment: its name, or what names begin with (shop-*); it may do in its account what a key of the account may; repeatable",
  }),
};
