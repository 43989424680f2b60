/** Headers of all that the console's origin answers. */
import type { Reply } from "../../reply.ts";

/** A page that can load nothing from elsewhere, run no text as code, and be framed by nobody. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const COMMON = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export const PAGE_HEADERS: Reply["headers"] = {
  ...COMMON,
  "Content-Security-Policy": POLICY,
  "Permissions-Policy":
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), hid=(), midi=(), display-capture=()",
};

/** Of answers to requests with a token: nothing of them is kept or shown as a page. */
const ANSWER_HEADERS: Reply["headers"] = {
  ...COMMON,
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
};

/** `build`: of the console that the server has now; an open page of an older one sees it. */
export function asAnswer(reply: Reply, build: string): Reply {
  return { ...reply, headers: { ...reply.headers, ...ANSWER_HEADERS, "X-Thaw-Build": build } };
}

/** A page of plain text. */
export function textPage(status: number, text: string, headers: Reply["headers"] = {}): Reply {
  return {
    status,
    headers: { ...PAGE_HEADERS, "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", ...headers },
    body: Buffer.from(`${text}\n`),
  };
}
