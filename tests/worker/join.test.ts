/** Workers join an installation by tokens: who is taken in, who is not, and what each side has afterwards. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  initAuthority,
  isWorkerAddress,
  issueForJoining,
  readAuthority,
  readIdentity,
} from "@thaw/server/testing/cluster";
import { issueCertificate, type KeyedCertificate, makeAuthority, workerName } from "@thaw/server/testing/remote-worker";
import { ADDRESS, Installation, TOKEN_LIFE_MS } from "./installation.ts";

let installation: Installation;

beforeEach(async () => {
  installation = await Installation.make();
});

afterEach(async () => {
  await installation.end();
  expect(installation.problems).toEqual([]);
});

function members(): string[] {
  return installation.membership.members.map(({ workerId }) => workerId);
}

describe("an authority", () => {
  test("is made once, and only its owner reads it", async () => {
    const path = join(installation.dataDir, "cluster", "authority.pem");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const before = readFileSync(path, "utf8");
    await expect(initAuthority(installation.dataDir, 0)).rejects.toThrow("has an authority for its workers already");
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  test("that is damaged is named; one that is not there is none", () => {
    const path = join(installation.dataDir, "cluster", "authority.pem");
    writeFileSync(path, "nothing");
    expect(() => readAuthority(installation.dataDir)).toThrow(`${path} has no key and certificate`);
    expect(readAuthority(installation.workerDir())).toBeNull();
  });
});

describe("a worker with a token", () => {
  test("gets a certificate for a key that was made on its own host", async () => {
    const dataDir = installation.workerDir();
    const identity = await installation.join({ dataDir });
    expect(readIdentity(dataDir)).toEqual(identity);
    expect(statSync(join(dataDir, "cluster", "worker.json")).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(identity.certificate);
    expect(certificate.subjectAltName).toBe(`DNS:${workerName(identity.workerId)}`);
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(new X509Certificate(installation.authority.certificate).publicKey)).toBe(true);
    expect(installation.membership.members).toMatchObject([{ workerId: identity.workerId, address: ADDRESS }]);
  });

  test("leaves no secret at the server, and has none of the server's", async () => {
    const dataDir = installation.workerDir();
    const token = installation.token();
    const identity = await installation.join({ dataDir, token });
    const [, , secret = ""] = token.split(".");
    expect(secret).toHaveLength(43);
    const atServer = textOf(installation.dataDir);
    expect(atServer).toContain(identity.workerId);
    expect(atServer).not.toContain(secret);
    expect(atServer).not.toContain(lineOf(identity.key));
    const atWorker = textOf(dataDir);
    expect(atWorker).toContain(JSON.stringify(identity.key));
    expect(atWorker).not.toContain(secret);
    expect(atWorker).not.toContain(lineOf(installation.authority.key));
  });

  test("joins once: its directory is refused afterwards, and the next token is not used up", async () => {
    const dataDir = installation.workerDir();
    const { workerId } = await installation.join({ dataDir });
    const token = installation.token();
    await expect(installation.join({ dataDir, token })).rejects.toThrow(`has joined as the worker ${workerId} already`);
    await installation.join({ token });
  });

  test("is not taken in where it can't keep what it would get", async () => {
    const dataDir = installation.workerDir();
    const token = installation.token();
    writeFileSync(join(dataDir, "cluster"), "");
    await expect(installation.join({ dataDir, token })).rejects.toThrow("EEXIST");
    expect(members()).toEqual([]);
    await installation.join({ token });
  });

  function textOf(dataDir: string): string {
    const directory = join(dataDir, "cluster");
    return readdirSync(directory)
      .map((name) => readFileSync(join(directory, name), "utf8"))
      .join("\n");
  }

  /** A line of a key that no other key has. */
  function lineOf(pem: string): string {
    return pem.split("\n")[5] ?? "";
  }
});

describe("a token", () => {
  test("is for one worker, also after the server was started again", async () => {
    const token = installation.token();
    const { workerId } = await installation.join({ token });
    const refusal = `was used by the worker ${workerId}`;
    await expect(installation.join({ token })).rejects.toThrow(refusal);
    const waiting = installation.token();
    await installation.restart();
    await expect(installation.join({ token })).rejects.toThrow(refusal);
    const second = await installation.join({ token: waiting });
    expect(members()).toEqual([workerId, second.workerId]);
  });

  test("that was found good for two workers is used by the first", () => {
    const { membership } = installation;
    const [, id = "", secret = ""] = installation.token().split(".");
    membership.checkToken({ id, secret });
    membership.checkToken({ id, secret });
    const of = { address: ADDRESS, certifiedUntilMs: 0, certificate: "" };
    membership.join({ id, secret }, { ...of, workerId: "w-1" });
    expect(() => membership.join({ id, secret }, { ...of, workerId: "w-2" })).toThrow("was used by the worker w-1");
    expect(members()).toEqual(["w-1"]);
  });

  test("that two workers use at the same moment is for one of them", async () => {
    const token = installation.token();
    const all = await Promise.allSettled([1, 2, 3].map(() => installation.join({ token })));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(members()).toHaveLength(1);
  });

  test("ends after its time, and is remembered for a week", async () => {
    const token = installation.token();
    await installation.clock.advance(TOKEN_LIFE_MS);
    await expect(installation.join({ token })).rejects.toThrow("The join token ended at");
    await installation.clock.advance(8 * 24 * 3_600_000);
    installation.token();
    await expect(installation.join({ token })).rejects.toThrow("has no such join token");
    expect(members()).toEqual([]);
  });

  test("with another id or secret is none", async () => {
    const [prefix, id, secret, digest] = installation.token().split(".");
    const [, otherId, otherSecret] = installation.token().split(".");
    for (const token of [
      [prefix, id, otherSecret, digest],
      [prefix, otherId, secret, digest],
      [prefix, "0".repeat(16), secret, digest],
    ])
      await expect(installation.join({ token: token.join(".") })).rejects.toThrow("has no such join token");
    for (const token of ["", "thawj1", [prefix, id, secret].join("."), [prefix, id, secret, digest, ""].join(".")])
      await expect(installation.join({ token })).rejects.toThrow("This is no join token");
    expect(members()).toEqual([]);
  });

  test("lives a week at most, and there are at most 1000", async () => {
    const { membership } = installation;
    expect(() => membership.makeToken(7 * 24 * 3_600_000 + 1)).toThrow("at most 7 days");
    expect(() => membership.makeToken(0)).toThrow("at most 7 days");
    expect(() => membership.makeToken(Number.NaN)).toThrow("at most 7 days");
    membership.makeToken(TOKEN_LIFE_MS);
    const path = join(installation.dataDir, "cluster", "members.json");
    const file = JSON.parse(readFileSync(path, "utf8")) as { readonly tokens: readonly unknown[] };
    writeFileSync(path, JSON.stringify({ ...file, tokens: Array.from({ length: 1000 }, () => file.tokens[0]) }));
    await installation.restart();
    expect(() => installation.membership.makeToken(TOKEN_LIFE_MS)).toThrow("There are 1000 join tokens already");
  });
});

describe("a server that is another one", () => {
  test("is refused by its authority, and hears nothing of the token", async () => {
    const other = await makeAuthority({ name: "Thaw installation", nowMs: Date.now(), lifetimeMs: 3_600_000 });
    const heard = await heardBy(await issueForJoining(other, Date.now()), other.certificate);
    expect(heard).toEqual({ failure: expect.stringContaining("its authority is another one"), posts: 0 });
  });

  test("that shows the right authority needs a certificate of it for this", async () => {
    const { authority } = installation;
    const wish = { nowMs: Date.now(), lifetimeMs: 3_600_000 };
    const other = await makeAuthority({ name: "Thaw installation", ...wish });
    const stolen = await issueCertificate({ name: workerName("w1"), ...wish }, ["server", "client"], authority);
    for (const own of [await issueForJoining(other, Date.now()), stolen])
      expect(await heardBy(own, authority.certificate)).toEqual({
        failure: expect.stringContaining("can't be reached as one of this installation"),
        posts: 0,
      });
  });

  test("that went away before it answered may have taken the worker in", async () => {
    const { authority } = installation;
    const heard = await heardBy(await issueForJoining(authority, Date.now()), authority.certificate);
    expect(heard).toEqual({ failure: expect.stringContaining("It may have taken the worker in"), posts: 1 });
  });

  test("takes workers in though strangers have more connections than it has places", async () => {
    const { hostname, port } = new URL(installation.server);
    const strangers = await Promise.all(
      Array.from({ length: 96 }, async (_, number) => {
        const localAddress = `127.0.0.${2 + Math.floor(number / 24)}`;
        const socket = connect({ host: hostname, port: Number(port), localAddress });
        socket.on("error", () => undefined);
        await once(socket, "connect");
        return socket;
      }),
    );
    try {
      await installation.join();
      expect(members()).toHaveLength(1);
    } finally {
      for (const socket of strangers) socket.destroy();
    }
  });

  test("hears an address no more that begins connections without an end", async () => {
    const { hostname, port } = new URL(installation.server);
    for (let count = 0; count < 32; count++) {
      const socket = connect({ host: hostname, port: Number(port), localAddress: "127.0.0.9" });
      socket.on("error", () => undefined);
      await once(socket, "connect");
      socket.destroy();
    }
    const authority = { host: hostname, port: Number(port), path: "/authority", rejectUnauthorized: false };
    const further = get({ ...authority, localAddress: "127.0.0.9" });
    await expect(once(further, "response")).rejects.toThrow();
    await installation.join();
    expect(members()).toHaveLength(1);
  });

  test("that is not there is named; so is an address that is none", async () => {
    const server = "https://127.0.0.1:1";
    await expect(installation.join({ server })).rejects.toThrow(`${server} can't be reached`);
    for (const none of ["127.0.0.1:1", "http://127.0.0.1:1", "https://127.0.0.1:1/x", "https://a@127.0.0.1:1"])
      await expect(installation.join({ server: none })).rejects.toThrow("is no address of a server's workers");
    expect(members()).toEqual([]);
  });

  /** Joins at a server that shows an authority to whoever asks, and hangs up on everything else. */
  async function heardBy(own: KeyedCertificate, authority: string): Promise<{ failure: string; posts: number }> {
    let posts = 0;
    const server = createServer({ key: own.key, cert: own.certificate }, (request, response) => {
      if (request.method === "GET") return void response.end(authority);
      posts++;
      request.socket.destroy();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const dataDir = installation.workerDir();
    const failure = await installation.join({ server: url, dataDir }).then(() => "joined", String);
    server.close();
    expect(readIdentity(dataDir)).toBeNull();
    return { failure, posts };
  }
});

describe("an address of a worker", () => {
  test("is a host and a port", () => {
    for (const each of ["a:1", "worker-2.example:65535", "10.0.0.1:7070", "[fe80::1]:7070"])
      expect(isWorkerAddress(each), each).toBe(true);
    for (const each of ["", "a", ":1", "a:0", "a:65536", "a:01", "-a:1", "a b:1", "http://a:1", "a:1\n", "fe80::1:1"])
      expect(isWorkerAddress(each), each).toBe(false);
  });

  test("that is none is refused before anything is asked", async () => {
    await expect(installation.join({ address: "here" })).rejects.toThrow("here is no HOST:PORT");
  });
});

describe("a file that is damaged", () => {
  test("of members is named, and stays", async () => {
    await installation.join();
    const path = join(installation.dataDir, "cluster", "members.json");
    for (const text of ["", "{}", '{"format":2,"tokens":[],"members":[]}', '{"format":1,"tokens":[{}],"members":[]}']) {
      writeFileSync(path, text);
      await expect(installation.restart()).rejects.toThrow(`${path} can't be read as tokens and members`);
      expect(readFileSync(path, "utf8")).toBe(text);
      writeFileSync(path, '{"format":1,"tokens":[],"members":[]}');
      await installation.restart();
    }
  });

  test("of a worker is named", async () => {
    const dataDir = installation.workerDir();
    await installation.join({ dataDir });
    const path = join(dataDir, "cluster", "worker.json");
    for (const text of ["", "{}", '{"format":2,"identity":null}', '{"format":1,"identity":{"workerId":"w-1"}}']) {
      writeFileSync(path, text);
      expect(() => readIdentity(dataDir)).toThrow(`${path} can't be read as a worker's identity`);
    }
  });
});
