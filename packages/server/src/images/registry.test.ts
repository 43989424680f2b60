/** A registry that says what a test wants it to say. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest";
import { FakeClock, settle } from "../base/testing/fake-clock.ts";
import { buildImage } from "../testing/image-files.ts";
import { parseReference, type RegistryReference } from "./reference.ts";
import { findInRegistry } from "./registry.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const BUILT = buildImage({ layers: [{ hello: "hello" }] });
let server: Server;
let answers: Record<string, Answer>;
let clock: FakeClock;
let closed: AbortController;
let asked: Array<readonly [string, string | undefined]>;
/** Other origins that the operator named. */
let storages: string[];

const text =
  (status: number, content: string | Buffer, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    void response.writeHead(status, { ...headers, connection: "close" }).end(content);
const manifest = (content: string | Buffer = BUILT.manifest.content): Answer =>
  text(200, content, { "content-type": BUILT.mediaType });

beforeEach(async () => {
  clock = new FakeClock();
  closed = new AbortController();
  asked = [];
  storages = [];
  answers = Object.fromEntries(
    BUILT.blobs.map(({ digest, content }) => [`/v2/app/blobs/${digest}`, text(200, content)]),
  );
  answers["/v2/app/manifests/1"] = manifest();
  server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push([path, request.headers.authorization]);
    const [pathname = ""] = path.split("?");
    (answers[pathname] ?? text(404, ""))(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  vi.restoreAllMocks();
  expect(clock.timerCount).toBe(0);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function find(uri = "r.example/app:1", credentials: string | null = null): Promise<string> {
  const reference = parseReference(uri) as RegistryReference;
  const access = { url: new URL(url()), origins: new Set([url(), ...storages]), credentials };
  const image = await findInRegistry(reference, access, { clock, closed: closed.signal });
  const [layer] = image.layers;
  if (layer === undefined) throw new Error("there is one");
  const parts: Buffer[] = [];
  for await (const part of await image.open(layer)) parts.push(part as Buffer);
  expect(Buffer.concat(parts).equals(BUILT.blobs[2]?.content ?? Buffer.alloc(0))).toBe(true);
  return image.resolvedUri;
}

test("an image is found by its tag and by its digest", async () => {
  const resolved = `r.example/app@${BUILT.manifest.digest}`;
  expect(await find()).toBe(resolved);
  answers[`/v2/app/manifests/${BUILT.manifest.digest}`] = manifest();
  expect(await find(resolved)).toBe(resolved);
});

test("a token is fetched where the registry asks for one, with the credentials that the operator gave", async () => {
  const guarded =
    (then: Answer): Answer =>
    (request, response) => {
      const challenge = `Bearer realm="${url()}/token",service="r.example",scope="repository:app:pull"`;
      if (request.headers.authorization === "Bearer abc") then(request, response);
      else text(401, "", { "www-authenticate": challenge })(request, response);
    };
  for (const [path, answer] of Object.entries(answers)) answers[path] = guarded(answer);
  answers["/token"] = text(200, '{"token":"abc"}');
  await find("r.example/app:1", "user:secret");
  const basic = `Basic ${Buffer.from("user:secret").toString("base64")}`;
  expect(asked.find(([path]) => path.startsWith("/token"))).toEqual([
    "/token?service=r.example&scope=repository%3Aapp%3Apull",
    basic,
  ]);
  expect(asked.filter(([, authorization]) => authorization === basic)).toHaveLength(1);
  for (const bad of ['{"token":"a\\nb: c"}', "no JSON", "null"]) {
    answers["/token"] = text(200, bad);
    await expect(find()).rejects.toMatchObject({ name: "AccessDeniedException" });
  }
});

test("credentials are not sent where the registry sends for a token without encryption", async () => {
  answers["/v2/app/manifests/1"] = text(401, "", { "www-authenticate": 'Bearer realm="http://elsewhere.example/t"' });
  await expect(find("r.example/app:1", "user:secret")).rejects.toThrow("which is not encrypted");
});

describe("a registry that sends to another place", () => {
  const redirect = (to: string, status = 307): Answer => text(status, "gone", { location: to });
  const layerPath = (): string => `/v2/app/blobs/${BUILT.blobs[2]?.digest}`;
  let other: Server;
  let otherAsked: Array<readonly [string, string | undefined]>;
  let otherUrl: string;
  beforeEach(async () => {
    otherAsked = [];
    other = createServer((request, response) => {
      otherAsked.push([request.url ?? "", request.headers.authorization]);
      response.writeHead(200, { connection: "close" }).end(BUILT.blobs[2]?.content);
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((resolve) => other.close(resolve)));

  it("of its own is followed with its credentials", async () => {
    answers["/storage/layer"] = answers[layerPath()] ?? text(404, "");
    answers[layerPath()] = redirect("/storage/layer");
    answers["/v2/app/manifests/1"] = text(401, "", { "www-authenticate": 'Basic realm="r"' });
    await expect(find("r.example/app:1", "user:secret")).rejects.toThrow("does not let these credentials");
    const basic = asked.at(-1)?.[1];
    answers["/v2/app/manifests/1"] = (request, response) =>
      (request.headers.authorization === basic ? manifest() : text(401, "", { "www-authenticate": "Basic" }))(
        request,
        response,
      );
    await find("r.example/app:1", "user:secret");
    expect(asked.at(-1)).toEqual(["/storage/layer", basic]);
  });

  it("that the operator named is followed without them", async () => {
    storages = [otherUrl];
    answers[layerPath()] = redirect(`${otherUrl}/layer`);
    answers["/v2/app/manifests/1"] = (request, response) =>
      (request.headers.authorization === undefined ? text(401, "", { "www-authenticate": "Basic" }) : manifest())(
        request,
        response,
      );
    await find("r.example/app:1", "user:secret");
    expect(otherAsked).toEqual([["/layer", undefined]]);
  });

  it.each([
    ["a manifest", () => "/v2/app/manifests/1"],
    ["a configuration", () => `/v2/app/blobs/${BUILT.blobs[1]?.digest}`],
    ["a layer", layerPath],
  ])("in the clear that nobody named is not asked (%s)", async (_what, path) => {
    for (const to of [
      `${otherUrl}/latest/meta-data`,
      "http://169.254.169.254/latest/meta-data",
      "file:///etc/passwd",
    ]) {
      answers[path()] = redirect(to, 302);
      await expect(find()).rejects.toThrow("which is neither encrypted nor named with --image-registry");
    }
    expect(otherAsked).toEqual([]);
  });

  it("for a token is not asked either, and gets no credentials", async () => {
    answers["/v2/app/manifests/1"] = text(401, "", { "www-authenticate": `Bearer realm="${url()}/token"` });
    answers["/token"] = redirect(`${otherUrl}/token`);
    await expect(find("r.example/app:1", "user:secret")).rejects.toThrow("neither encrypted nor named");
    expect(otherAsked).toEqual([]);
  });

  it("again and again is given up", async () => {
    answers["/v2/app/manifests/1"] = redirect("/v2/app/manifests/1");
    await expect(find()).rejects.toThrow("it sends to another place more than 5 times");
    expect(asked).toHaveLength(6);
  });
});

test("a tag that moves during the pull changes nothing of it", async () => {
  const moved = buildImage({ layers: [{ hello: "moved" }] });
  const first = answers["/v2/app/manifests/1"] ?? text(404, "");
  answers["/v2/app/manifests/1"] = (request, response) => {
    answers["/v2/app/manifests/1"] = manifest(moved.manifest.content);
    first(request, response);
  };
  expect(await find()).toBe(`r.example/app@${BUILT.manifest.digest}`);
});

test("a registry that wants credentials is told of in AWS's words", async () => {
  answers["/v2/app/manifests/1"] = text(401, "", { "www-authenticate": 'Basic realm="r"' });
  await expect(find()).rejects.toThrow("name a file with them, --registry-auth FILE");
  await expect(find("r.example/app:1", "user:wrong")).rejects.toThrow("does not let these credentials read app");
});

const [, CONFIG, LAYER] = BUILT.blobs;
const RESIZED = buildImage({
  layers: [{ hello: "hello" }],
  spoil: ({ manifest: spoilt }) => (spoilt["config"] = { size: 1 }),
}).manifest.content;
const DIGEST_URI = `r.example/app@sha256:${"0".repeat(64)}`;
const BAD: ReadonlyArray<readonly [string, string, () => Record<string, Answer>]> = [
  ["no such tag", "does not exist. Provide a valid source image.", () => ({ "/v2/app/manifests/1": text(404, "") })],
  [
    "a manifest with another digest",
    "another digest than it was asked for",
    () => ({ [`/v2/app/manifests/sha256:${"0".repeat(64)}`]: manifest() }),
  ],
  [
    "a list of images",
    "it is a list of images for several platforms",
    () => ({ "/v2/app/manifests/1": text(200, '{"manifests":[]}') }),
  ],
  [
    "an unknown manifest",
    "its manifest is text/html",
    () => ({ "/v2/app/manifests/1": text(200, "{}", { "content-type": "text/html; a=b" }) }),
  ],
  [
    "a configuration of another size",
    "its configuration has another size than it is said to have",
    () => ({ "/v2/app/manifests/1": manifest(RESIZED) }),
  ],
  ["a manifest that never ends", "its manifest is too large", () => ({ "/v2/app/manifests/1": endless })],
  ["no JSON", "its manifest is not a JSON object", () => ({ "/v2/app/manifests/1": manifest("<html>") })],
  ["no configuration", "is missing", () => ({ [`/v2/app/blobs/${CONFIG?.digest}`]: text(404, "") })],
  [
    "another configuration",
    "another digest than its name",
    () => ({ [`/v2/app/blobs/${CONFIG?.digest}`]: text(200, "x".repeat(CONFIG?.size ?? 0)) }),
  ],
  ["no layer", "is missing", () => ({ [`/v2/app/blobs/${LAYER?.digest}`]: text(404, "") })],
  [
    "a registry that fails",
    "The registry r.example can't be read: it answers 500.",
    () => ({ "/v2/app/manifests/1": text(500, "") }),
  ],
  [
    "a registry that hangs up",
    "The registry r.example can't be read",
    () => ({ "/v2/app/manifests/1": (request) => request.destroy() }),
  ],
];

function endless(_request: IncomingMessage, response: ServerResponse): void {
  const piece = Buffer.alloc(1024 * 1024, " ");
  const more = (): void => {
    while (response.write(piece));
  };
  response.on("drain", more);
  more();
}

test.each(BAD)("%s is refused", async (what, said, changes) => {
  Object.assign(answers, changes());
  await expect(find(what.includes("with another digest") ? DIGEST_URI : undefined)).rejects.toThrow(said);
});

const plainFetch = fetch;

/** Begins to answer, says so when the head has been read, and leaves the rest to the test. */
function begin(path: string, headers: Record<string, string> = {}): Promise<ServerResponse> {
  let begun: ServerResponse;
  answers[path] = (_request, response) => {
    begun = response;
    response.writeHead(200, headers);
    response.flushHeaders();
  };
  return new Promise((resolve) => {
    vi.spyOn(globalThis, "fetch").mockImplementation(async (address, init) => {
      const answer = await plainFetch(address, init);
      if (answer.url.endsWith(path)) resolve(begun);
      return answer;
    });
  });
}

const TOO_SLOW = "(at least 1 MiB is expected in 30 s).";

test("a registry that does not answer is given up", async () => {
  const asking = new Promise<void>((resolve) => {
    answers["/v2/app/manifests/1"] = () => resolve();
  });
  const finding = find();
  const failed = expect(finding).rejects.toThrow(
    `The registry r.example can't be read: it does not answer ${TOO_SLOW}`,
  );
  await asking;
  await clock.advance(30_000);
  await failed;
});

test("a manifest or a layer that comes byte by byte is given up", async () => {
  for (const [path, headers] of [
    [`/v2/app/blobs/${LAYER?.digest}`, {}],
    ["/v2/app/manifests/1", { "content-type": BUILT.mediaType }],
  ] as const) {
    const begun = begin(path, headers);
    const failed = expect(find()).rejects.toThrow(`it sends too slowly ${TOO_SLOW}`);
    const response = await begun;
    const ended = new Promise<void>((resolve) => response.on("close", resolve));
    for (let byte = 0; byte < 30; byte++) {
      response.write(" ");
      // What has been sent is read before the next second passes.
      while (clock.timerCount === 0) await settle();
      await clock.advance(1000);
    }
    await failed;
    await ended;
  }
});

test("a layer that breaks off is told of by the registry's name", async () => {
  const begun = begin(`/v2/app/blobs/${LAYER?.digest}`, { "content-length": "1000" });
  const failed = expect(find()).rejects.toThrow(/^The registry r\.example can't be read: /);
  const response = await begun;
  response.write("half");
  response.destroy();
  await failed;
});

test("a server that stops does not wait for the registry", async () => {
  for (const path of [`/v2/app/blobs/${LAYER?.digest}`, "/v2/app/manifests/1"]) {
    closed = new AbortController();
    const begun = begin(path, { "content-type": BUILT.mediaType });
    const failed = expect(find()).rejects.toThrow("The registry r.example can't be read");
    const response = await begun;
    const ended = new Promise<void>((resolve) => response.on("close", resolve));
    closed.abort();
    await failed;
    await ended;
  }
});
