/** Routes of the web console's login: docs/guides/console.md. */
import * as z from "zod";
import { json } from "./route.ts";

export const CONSOLE_ROLES = ["read", "admin"] as const;

const role = z.enum(CONSOLE_ROLES).describe("`read` sees and changes nothing; `admin` may do what the key may");
const session = z.object({
  role,
  accountId: z.string(),
  region: z.string(),
  accessKeyId: z.string(),
  isOperator: z.boolean().describe("True for the home account's own key, which sees the host"),
  expiresAtMs: z.number(),
  version: z.string().describe("Version of the server"),
});

export const CONSOLE_ROUTES = {
  makeConsoleCode: {
    method: "POST",
    path: "console/code",
    about: "Makes a code for one login to the web console, good for a minute.",
    query: {},
    body: z.strictObject({ role: role.optional() }).optional(),
    bodyBytesMax: 1024,
    answer: json(
      z.object({
        path: z.string().describe("Path of the console; the code is in its fragment, which no browser sends"),
        expiresInS: z.number(),
      }),
    ),
  },
  exchangeConsoleCode: {
    method: "POST",
    path: "console/token",
    about: "Gives a token for a code. Only from the console's own page.",
    isPublic: true,
    query: {},
    body: z.strictObject({ code: z.string() }),
    bodyBytesMax: 1024,
    answer: json(z.object({ token: z.string(), session })),
  },
  readConsoleSession: {
    method: "GET",
    path: "console/session",
    about: "Says who a token is of, and what it may do. Only with a token.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(session),
  },
  revokeConsole: {
    method: "POST",
    path: "console/revoke",
    about: "Ends all tokens of the caller's account, and the codes that wait.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(z.object({ revoked: z.literal(true) })),
  },
} as const;
