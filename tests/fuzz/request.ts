/** One that is sent over HTTP. */
export interface Request {
  readonly kind: "lambda" | "admin" | "url" | "service" | "s3";
  readonly method: string;
  readonly target: string;
  /** Besides those of the signature. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The service of the signature; null: it has none. */
  readonly service: string | null;
}
