/** Types of each route's parameters, query, body and answer, computed from the routes. */
import type * as z from "zod";
import type { Frozen } from "./frozen.ts";
import type { RouteForm } from "./route.ts";
import type { ROUTES, RouteName } from "./routes.ts";

type Routes = typeof ROUTES;

type NamesIn<P extends string> = P extends `${string}{${infer N}}${infer R}`
  ? (N extends `${infer G}+` ? G : N) | NamesIn<R>
  : never;

export type ParametersOf<N extends RouteName> = { readonly [K in NamesIn<Routes[N]["path"]>]: string };

export type QueryOf<N extends RouteName> = {
  readonly [K in keyof Routes[N]["query"]]?: z.output<Extract<Routes[N]["query"][K], z.ZodType>>;
};

export type BodyOf<N extends RouteName> = Routes[N]["body"] extends z.ZodType
  ? Frozen<z.output<Routes[N]["body"]>>
  : undefined;

/** The document of a JSON answer, or one of a line; `never` for bytes. */
export type AnswerOf<N extends RouteName> = Routes[N]["answer"] extends { readonly schema: infer S extends z.ZodType }
  ? Frozen<z.output<S>>
  : never;

/** Names of the routes with this form of answer. */
export type RoutesWith<K extends RouteForm["answer"]["kind"]> = {
  [N in RouteName]: Routes[N]["answer"]["kind"] extends K ? N : never;
}[RouteName];
