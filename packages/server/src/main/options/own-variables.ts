/**
 * AWS's variables that mean this installation itself: a server is often started in the shell of `eval "$(thaw env)"`,
 * and its own calls to SQS, SNS, EventBridge, S3 and KMS would then go to itself, with keys that AWS does not know.
 */
import type { Address } from "./value-types.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const ENDPOINT = /^AWS_ENDPOINT_URL(?:_[A-Z0-9_]+)?$/;
const KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
/** Hosts of a listener by which a client of the same machine calls it. */
const LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"];
const EVERY_HOST = new Set(["0.0.0.0", "::"]);

/**
 * Names the variables that are not for the server's own calls: endpoints that are the one of `thaw env`
 * (`THAW_ENDPOINT`) or the server's own address, and the keys that `thaw env` has set along with them.
 */
export function ownVariables(env: Environment, listen: Address): readonly string[] {
  const own = new Set([originOf(env["THAW_ENDPOINT"]), ...originsOf(listen)]);
  const endpoints = Object.keys(env).filter((name) => ENDPOINT.test(name) && own.has(originOf(env[name])));
  const keyId = env["AWS_ACCESS_KEY_ID"];
  const isOwnKey = env["THAW_ENDPOINT"] !== undefined && keyId !== undefined && keyId === env["THAW_ACCESS_KEY_ID"];
  return [...endpoints, ...(isOwnKey ? KEYS.filter((name) => env[name] !== undefined) : [])];
}

function originsOf({ host, port }: Address): readonly string[] {
  const hosts = EVERY_HOST.has(host) || host === "127.0.0.1" || host === "::1" ? LOCAL_HOSTS : [];
  return [...hosts, host.includes(":") ? `[${host}]` : host].map((each) => `http://${each}:${port}`);
}

/** A text that is no URL is nobody's origin; so is none. */
function originOf(url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? withPort(new URL(url)) : `not a URL: ${url ?? ""}`;
}

function withPort({ protocol, hostname, port }: URL): string {
  return `${protocol}//${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
}
