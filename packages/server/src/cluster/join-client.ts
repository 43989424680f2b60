/** The worker's end of a join, and of the renewal of its certificate. */
import { createPrivateKey, sign, X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { type KeyedCertificate, makeKey } from "../base/certificates.ts";
import type { Clock } from "../base/clock.ts";
import { JOIN_NAME, workerName } from "../model/cluster-names.ts";
import {
  isWorkerAddress,
  JOIN_BYTES_MAX,
  JOIN_PROTOCOL,
  JOIN_PROTOCOL_HEADER,
  provenBytes,
  RENEW_BEFORE_MS,
  type SentCertificate,
  type SentRefusal,
  type SentWish,
} from "./join-protocol.ts";
import { certificateDigest, readJoinToken } from "./join-token.ts";
import { readIdentity, type WorkerIdentity, writeIdentity } from "./worker-identity.ts";

const ANSWER_MS = 30_000;
const WORKER_ID = /^w-[0-9a-f]{16}$/;

/** A sentence for who wants the worker to join. */
export class JoinFailed extends Error {}

export interface JoinOrder {
  readonly dataDir: string;
  /** `https://HOST:PORT` of the server. */
  readonly server: string;
  readonly token: string;
  /** Where control planes will reach the worker: `HOST:PORT`. */
  readonly address: string;
}

/** Joins, and keeps what came of it in the data directory. Throws JoinFailed. */
export async function joinCluster(order: JoinOrder, clock: Clock): Promise<WorkerIdentity> {
  const { dataDir, address } = order;
  const token = readJoinToken(order.token);
  if (token === null) throw new JoinFailed("This is no join token: it has the form thawj1.….….…");
  if (!isWorkerAddress(address)) throw new JoinFailed(`${address} is no HOST:PORT at which the worker can be reached.`);
  const server = readServer(order.server);
  const there = readIdentity(dataDir);
  if (there !== null)
    throw new JoinFailed(`${dataDir} has joined as the worker ${there.workerId} already: name another data directory.`);
  writeIdentity(dataDir, null);
  const authority = await pinnedAuthority({ server, digest: token.digest, clock });
  const wished = { by: token.id, secret: token.secret, address };
  const issued = await askFor(wished, { server, path: "/join", authority, own: null, clock });
  const identity = { ...issued, server, address, authority };
  writeIdentity(dataDir, identity);
  return identity;
}

export function isRenewalDue({ certificate }: WorkerIdentity, nowMs: number): boolean {
  return Date.parse(new X509Certificate(certificate).validTo) - RENEW_BEFORE_MS <= nowMs;
}

/** Has another key and certificate from then on, which it keeps in the data directory. Throws JoinFailed. */
export async function renewIdentity(dataDir: string, identity: WorkerIdentity, clock: Clock): Promise<WorkerIdentity> {
  const { workerId, server, address, authority } = identity;
  const wished = { by: workerId, secret: null, address };
  const issued = await askFor(wished, { server, path: "/renew", authority, own: identity, clock });
  if (issued.workerId !== workerId) throw new JoinFailed(`The server at ${server} answered for another worker.`);
  const renewed = { ...identity, ...issued };
  writeIdentity(dataDir, renewed);
  return renewed;
}

/**
 * Asks a server that nothing is known of yet for its authority's certificate. Nothing is sent to it: the next
 * connection is to whom this authority has signed for.
 */
async function pinnedAuthority(of: { server: string; digest: string; clock: Clock }): Promise<string> {
  const { server, digest, clock } = of;
  const { text } = await send(server, { method: "GET", path: "/authority", rejectUnauthorized: false }, null, clock);
  if (digestOf(text) === digest) return text;
  throw new JoinFailed(
    `The server at ${server} is not the one that made this join token: its authority is another one. The token was not sent there.`,
  );
}

/** Null: the text is no certificate. */
function digestOf(text: string): string | null {
  try {
    return certificateDigest(text);
  } catch {
    return null;
  }
}

interface AskedServer {
  readonly server: string;
  readonly path: string;
  readonly authority: string;
  /** What the worker shows of itself; null: it has nothing yet. */
  readonly own: KeyedCertificate | null;
  readonly clock: Clock;
}

/** Makes a key here, and has its public half signed. */
async function askFor(
  wished: Pick<SentWish, "by" | "secret" | "address">,
  { server, path, authority, own, clock }: AskedServer,
): Promise<Pick<WorkerIdentity, "workerId" | "key" | "certificate">> {
  const { key, publicKey } = await makeKey();
  const proof = sign("sha256", provenBytes({ ...wished, publicKey }), key).toString("base64");
  const sent: SentWish = { ...wished, publicKey, proof };
  const shown = own === null ? {} : { key: own.key, cert: own.certificate };
  const options = { method: "POST", path, ca: authority, servername: JOIN_NAME, ...shown };
  const { status, text } = await send(server, options, JSON.stringify(sent), clock);
  const answer = parse(text) as Partial<SentCertificate & SentRefusal> | null;
  if (status !== 200) throw new JoinFailed(answer?.refused ?? `The server at ${server} answered with ${status}.`);
  const { workerId, certificate } = answer ?? {};
  if (typeof workerId !== "string" || typeof certificate !== "string" || !WORKER_ID.test(workerId))
    throw new JoinFailed(`The server at ${server} gave no certificate.`);
  checkCertificate(certificate, { workerId, key, authority, server });
  return { workerId, key, certificate };
}

function checkCertificate(
  text: string,
  { workerId, key, authority, server }: { workerId: string; key: string; authority: string; server: string },
): void {
  const certificate = new X509Certificate(text);
  const issuer = new X509Certificate(authority);
  const isOurs = certificate.checkPrivateKey(createPrivateKey(key));
  const isNamed = certificate.checkHost(workerName(workerId), { subject: "never" }) !== undefined;
  if (!isOurs || !isNamed || !certificate.verify(issuer.publicKey))
    throw new JoinFailed(`The server at ${server} gave a certificate that is not for this worker.`);
}

function readServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && url.pathname === "/" && url.username === "" && url.search === "" && url.hash === "";
  if (url?.protocol !== "https:" || !isPlain)
    throw new JoinFailed(`${text} is no address of a server's workers: it has the form https://HOST:PORT`);
  return url.origin;
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

/** Sends one request over a connection of its own. Throws JoinFailed where no answer comes. */
function send(server: string, options: RequestOptions, body: string | null, clock: Clock): Promise<Answered> {
  const { hostname, port } = new URL(server);
  return new Promise((resolve, reject) => {
    let wasSecure = false;
    const fail = (error: Error): void => {
      stop();
      reject(
        error instanceof JoinFailed ? error : new JoinFailed(sentenceOf(server, error, wasSecure && body !== null)),
      );
    };
    const request = httpsRequest({
      ...options,
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: port === "" ? 443 : Number(port),
      // No session, and no connection, of an earlier request that was checked less.
      agent: false,
      minVersion: "TLSv1.3",
      headers: { [JOIN_PROTOCOL_HEADER]: JOIN_PROTOCOL },
    });
    const stop = clock.after(ANSWER_MS, () => void request.destroy(new Error("no answer within 30 seconds")));
    request.on("socket", (socket) => socket.once("secureConnect", () => (wasSecure = true)));
    request.on("error", fail);
    request.on("response", (response) => {
      collect(response).then((text) => {
        stop();
        resolve({ status: response.statusCode ?? 0, text });
      }, fail);
    });
    request.end(body ?? undefined);
  });
}

function sentenceOf(server: string, error: Error, mayHaveBeenHeard: boolean): string {
  if (mayHaveBeenHeard)
    return `The server at ${server} went away before it had answered (${error.message}). It may have taken the worker in: look at its workers, and use another token.`;
  return `The server at ${server} can't be reached as one of this installation: ${error.message}`;
}

async function collect(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    sizeBytes += piece.length;
    if (sizeBytes > JOIN_BYTES_MAX) throw new JoinFailed("The server's answer is too large to be one of Thaw's.");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Null: it is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
