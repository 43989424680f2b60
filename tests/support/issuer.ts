/** An issuer of tokens on this machine, with keys of its own; it may say something else where a test wants that. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

export const AUDIENCE = "pets";
const DISCOVERY = "/.well-known/openid-configuration";
const KEYS = "/keys";

type Answer = (response: ServerResponse) => void;

interface OwnKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export class Issuer implements AsyncDisposable {
  readonly #server: Server;
  readonly #keys: OwnKey[] = [];
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** In place of its own answers, by path. */
  readonly answers = new Map<string, Answer>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", ({ url = "" }, response) => {
      this.asked.push(url);
      const own = this.answers.get(url);
      if (own !== undefined) own(response);
      else if (url === DISCOVERY) response.end(JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}${KEYS}` }));
      else if (url === KEYS) response.end(JSON.stringify({ keys: this.#keys.map(({ jwk }) => jwk) }));
      else response.writeHead(404).end();
    });
  }

  static async start(): Promise<Issuer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const issuer = new Issuer(server);
    await issuer.rotate("first");
    return issuer;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  get keysAsked(): number {
    return this.asked.filter((path) => path === KEYS).length;
  }

  /** The public part of the key that signs. */
  get jwk(): JWK {
    return this.#own.jwk;
  }

  get #own(): OwnKey {
    const own = this.#keys.at(-1);
    if (own === undefined) throw new Error("an issuer without a key");
    return own;
  }

  /** Signs by another key from now on. The keys before are still told, unless `isAlone`. */
  async rotate(kid: string, { alg = "RS256", isAlone = false } = {}): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    if (isAlone) this.#keys.length = 0;
    this.#keys.push({ privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } });
  }

  /** A token of this issuer for the audience, for an hour, with other claims as they are given. */
  sign(claims: JWTPayload = {}, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const nowS = Math.floor(Date.now() / 1000);
    const { privateKey, jwk } = this.#own;
    return new SignJWT({ iss: this.url, aud: AUDIENCE, exp: nowS + 3600, ...claims })
      .setProtectedHeader({ alg: jwk.alg ?? "", ...(jwk.kid === undefined ? {} : { kid: jwk.kid }), ...header })
      .sign(privateKey);
  }

  answerKeys(answer: Answer): void {
    this.answers.set(KEYS, answer);
  }

  answerDiscovery(answer: Answer): void {
    this.answers.set(DISCOVERY, answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
