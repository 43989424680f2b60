/** How the text of a setting becomes a value, and how that form is described in the help and in the reference. */
import { isIPv4 } from "node:net";
import { isAbsolute, resolve } from "node:path";
import { DESTINATION_SERVICES } from "../../model/destination.ts";
import { UsageError } from "./usage-error.ts";

export interface ValueType<T> {
  /** Phrase for the reference, such as "a whole number from 1 to 64". */
  readonly form: string;
  /**
   * Reads a setting.
   *
   * @param name - What the error calls the setting: its flag, its variable, or its place in the configuration file.
   * @param base - Directory that a relative path starts from; null where only absolute paths are accepted.
   * @throws UsageError when the text has another form.
   */
  parse(name: string, text: string, base: string | null): T;
}

export interface Address {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const ACCESS_POINT = /^arn:aws[a-zA-Z-]*:(?:elasticfilesystem|s3files):[^=\s]*\/fsap-[a-f0-9]{17,40}$/;

export function wholeNumber(min: number, max: number): ValueType<number> {
  return {
    form: `a whole number from ${min} to ${max}`,
    parse(name, text) {
      const value = Number(text);
      if (!/^\d+$/.test(text) || value < min || value > max)
        throw new UsageError(`${name} ${text}: expected a whole number from ${min} to ${max}`);
      return value;
    },
  };
}

export function oneOf<const T extends string>(...allowed: readonly T[]): ValueType<T> {
  return {
    form: allowed.map((value) => `\`${value}\``).join(" or "),
    parse(name, text) {
      const found = allowed.find((value) => value === text);
      if (found === undefined) throw new UsageError(`${name} ${text}: expected ${allowed.join(" or ")}`);
      return found;
    },
  };
}

/** Milliseconds; null: never. */
export const duration: ValueType<number | null> = {
  form: "a whole number with `s`, `m`, `h` or `d`, or `never`",
  parse(name, text) {
    if (text === "never") return null;
    const match = /^(\d{1,6})([smhd])$/.exec(text);
    const ms = Number(match?.[1]) * (UNIT_MS[match?.[2] ?? ""] ?? Number.NaN);
    if (!(ms > 0)) throw new UsageError(`${name} ${text}: expected a number with s, m, h or d (14d), or never`);
    return ms;
  },
};

export const address: ValueType<Address> = {
  form: "`HOST:PORT`; an IPv6 address in brackets",
  parse(name, text) {
    const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+):(\d{1,5})$/.exec(text);
    const port = Number(match?.[2]);
    if (!match?.[1] || port > 65_535) throw new UsageError(`${name} ${text}: expected HOST:PORT`);
    return { host: match[1].replace(/^\[|\]$/g, ""), port };
  },
};

export const directory: ValueType<string> = { form: "a path", parse: parsePath };

export const accountId: ValueType<string> = {
  form: "12 digits",
  parse(name, text) {
    if (!/^\d{12}$/.test(text)) throw new UsageError(`${name} ${text}: expected 12 digits`);
    return text;
  },
};

/** https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html */
export const organizationId: ValueType<string> = {
  form: "o- and 10 to 32 letters or digits",
  parse(name, text) {
    if (!/^o-[a-z0-9]{10,32}$/.test(text))
      throw new UsageError(`${name} ${text}: expected o- and 10 to 32 lower-case letters or digits`);
    return text;
  },
};

/** Form of a region's name, safe as that of a directory. */
export const REGION = /^[a-z]{2}(?:-[a-z0-9]{1,16}){1,4}$/;
/** Each account may come to have a database in each. */
const REGIONS_MAX = 40;

/** Names of regions, a line each. */
export const regions: ValueType<readonly string[]> = {
  form: "lines `REGION`, such as eu-west-1; in the file a list of them",
  parse(name, lines) {
    const all = [...new Set(lines.split("\n").filter((line) => line !== ""))];
    const wrong = all.find((region) => !REGION.test(region));
    if (wrong !== undefined) throw new UsageError(`${name} ${wrong}: expected a region, such as eu-west-1`);
    if (all.length > REGIONS_MAX) throw new UsageError(`${name}: there can be at most ${REGIONS_MAX}`);
    return all;
  },
};

export const trueOrFalse: ValueType<boolean> = {
  form: "`true` or `false`",
  parse(name, text) {
    if (text !== "true" && text !== "false") throw new UsageError(`${name} ${text}: expected true or false`);
    return text === "true";
  },
};

/** Endpoint of the service that holds keys; null: AWS's own. */
export const kmsService: ValueType<{ readonly endpoint: string | null }> = {
  form: "`aws`, or the URL of a service with AWS KMS's API",
  parse(name, text) {
    if (text === "aws") return { endpoint: null };
    if (!/^https?:\/\//.test(text) || !URL.canParse(text))
      throw new UsageError(`${name} ${text}: expected aws or the URL of a service with its API`);
    return { endpoint: text };
  },
};

/** Scheme, host and perhaps a port, below whose name others are made. */
export const serverUrl: ValueType<URL> = {
  form: "`http://HOST` or `https://HOST`, perhaps with a port",
  parse(name, text) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol) || `${url.origin}/` !== url.href)
      throw new UsageError(`${name} ${text}: expected http(s)://HOST[:PORT], without a path`);
    return url;
  },
};

export const baseUrl: ValueType<URL> = {
  form: "`http://HOST` or `https://HOST`, perhaps with a port",
  parse(name, text) {
    const url = URL.canParse(text) ? new URL(text) : null;
    const isBase = url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
    if (!isBase || /^[\d.]+$|^\[/.test(url.hostname))
      throw new UsageError(`${name} ${text}: expected http(s)://HOST[:PORT], a name and no number, without a path`);
    return url;
  },
};

/** Origins of http, a line each; a path is left out. */
export const httpOrigins: ValueType<ReadonlySet<string>> = {
  form: "lines `http://HOST`, perhaps with a port; in the file a list of them",
  parse(name, lines) {
    const all = lines.split("\n").filter((line) => line !== "");
    return new Set(
      all.map((line) => {
        const url = URL.canParse(line) ? new URL(line) : null;
        if (url?.protocol !== "http:") throw new UsageError(`${name} ${line}: expected http://HOST[:PORT]`);
        return url.origin;
      }),
    );
  },
};

/** Services of destinations, of event source mappings, and of resources that are passed through. */
const ENDPOINT_SERVICES = [
  ...DESTINATION_SERVICES,
  "kinesis",
  "dynamodb",
  "dynamodbstreams",
  "secretsmanager",
] as const;
export type EndpointService = (typeof ENDPOINT_SERVICES)[number];

/** Endpoints by service, from lines `SERVICE=URL`, or `URL` for all of the services. */
export const awsEndpoints: ValueType<ReadonlyMap<EndpointService, string>> = {
  form: `lines \`URL\` or \`SERVICE=URL\`, SERVICE one of ${ENDPOINT_SERVICES.join(", ")}; in the file a list of them`,
  parse(name, lines) {
    const named = new Map<EndpointService, string>();
    const forAll: string[] = [];
    for (const line of lines.split("\n").filter((each) => each !== "")) {
      const service = ENDPOINT_SERVICES.find((each) => line.startsWith(`${each}=`));
      const url = service === undefined ? line : line.slice(service.length + 1);
      if (!/^https?:\/\//.test(url) || !URL.canParse(url))
        throw new UsageError(
          `${name} ${line}: expected the URL of a service with AWS's API, or SERVICE=URL with ${ENDPOINT_SERVICES.join(", ")}`,
        );
      if (service === undefined) forAll.push(url);
      else named.set(service, url);
    }
    const [general, second] = forAll;
    if (second !== undefined) throw new UsageError(`${name}: ${general} and ${second} can't both be for all services`);
    if (general !== undefined)
      for (const service of ENDPOINT_SERVICES) if (!named.has(service)) named.set(service, general);
    return named;
  },
};

/** Text whose form another part checks, or that has none. */
export function text(form: string): ValueType<string> {
  return { form, parse: (_name, value) => value };
}

/** Directories of the host by the ARN of their access point, from lines `ARN=DIR`. */
export const accessPoints: ValueType<ReadonlyMap<string, string>> = {
  form: "lines `ARN=DIR`; in the file a list of them",
  parse(name, lines, base) {
    const mapped = new Map<string, string>();
    for (const line of lines.split("\n").filter((each) => each !== "")) {
      const at = line.indexOf("=");
      const arn = line.slice(0, at);
      const dir = line.slice(at + 1);
      if (at === -1 || dir === "" || !ACCESS_POINT.test(arn))
        throw new UsageError(`${name} ${line}: expected the ARN of an access point, =, and a directory`);
      mapped.set(arn, parsePath(name, dir, base));
    }
    return mapped;
  },
};

/** Networks that the word `private` stands for: RFC 1918, and RFC 6598's between providers and their clients. */
const PRIVATE_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/** IPv4 networks, from lines `A.B.C.D/N` or `private`. Sandboxes have no IPv6. */
/** Names of hosts, a line each, without ports. */
export const hostNames: ValueType<readonly string[]> = {
  form: "lines `NAME` without a port; in the file a list of them",
  parse(name, lines) {
    const all = lines.split("\n").filter((line) => line !== "");
    const wrong = all.find((line) => line.length > 253 || !/^(?:[a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+\])$/.test(line));
    if (wrong !== undefined) throw new UsageError(`${name} ${wrong}: expected the name of a host, without a port`);
    return all.map((line) => line.toLowerCase());
  },
};

export const networks: ValueType<readonly string[]> = {
  form: "lines `A.B.C.D/N` or `private`; in the file a list of them",
  parse(name, lines) {
    return lines
      .split("\n")
      .filter((line) => line !== "")
      .flatMap((line) => {
        if (line === "private") return PRIVATE_NETWORKS;
        const [host = "", bits = "", ...rest] = line.split("/");
        if (!isIPv4(host) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32 || rest.length > 0)
          throw new UsageError(`${name} ${line}: expected an IPv4 network (10.0.0.0/8) or private`);
        return [`${host}/${Number(bits)}`];
      });
  },
};

function parsePath(name: string, path: string, base: string | null): string {
  // Else it would be the current directory.
  if (path === "") throw new UsageError(`${name} is empty: name a directory or a file, or leave it out`);
  if (base === null && !isAbsolute(path)) throw new UsageError(`${name} ${path}: expected an absolute path`);
  return resolve(base ?? "/", path);
}
