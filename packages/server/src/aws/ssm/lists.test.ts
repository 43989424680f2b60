import { expect, test } from "vitest";
import type { OperationTypes } from "@thaw/aws-api/ssm";
import type { ParameterRecord } from "../../model/parameter-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { ServiceContext } from "../aws-service.ts";
import type { SsmParts } from "./context.ts";
import { ssmOperations } from "./ssm.ts";

const COUNT = 95;
type Wish = OperationTypes["DescribeParameters"]["input"];

const CONTEXT = {} as ServiceContext;

function parameter(number: number): Stored<ParameterRecord> {
  const version = { version: 1, description: "", tier: "Standard", keyId: null, labels: [], modifiedMs: 0 } as const;
  return {
    id: `/p/${String(number).padStart(3, "0")}`,
    type: number % 2 === 0 ? "String" : "StringList",
    version: 1,
    versions: [{ ...version, modifiedBy: "arn:aws:iam::000000000000:user/u" }],
    tags: {},
    revision: 1,
  } as unknown as Stored<ParameterRecord>;
}

/** Notes how many parameters each read brought, and between how many of them others had their turn. */
function listing() {
  const all = Array.from({ length: COUNT }, (_, number) => parameter(number));
  const reads: number[] = [];
  let turns = 0;
  let isOver = false;
  let nowMs = 0;
  const look = (): void => {
    turns++;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const store: Partial<SsmParts["store"]> = {
    listAccountEntriesAfter: (async (_kind: string, after: string, countMax: number) => {
      const some = all.filter(({ id }) => id > after).slice(0, countMax);
      reads.push(some.length);
      return some;
    }) as unknown as SsmParts["store"]["listAccountEntriesAfter"],
  };
  const parts = {
    store,
    scope: { accountId: "000000000000", region: "us-east-1" },
    // Each look at the clock finds that the turn is over.
    clock: { monotonicMs: () => (nowMs += 1000) },
  } as unknown as SsmParts;
  const end = (): number => {
    isOver = true;
    return turns;
  };
  const { DescribeParameters } = ssmOperations(parts);
  if (DescribeParameters === undefined) throw new Error("no such operation");
  return { list: (input: Wish) => DescribeParameters(input, CONTEXT), reads, end };
}

test("a page reads no more parameters than it has, but for a few", async () => {
  const { list, reads, end } = listing();
  const { Parameters } = await list({ MaxResults: 10 });
  end();
  expect(Parameters).toHaveLength(10);
  expect(reads).toEqual([20]);
});

test("parameters that a filter leaves out are read a few at a time, with turns for others", async () => {
  const { list, reads, end } = listing();
  const ParameterFilters = [{ Key: "Name", Option: "Contains", Values: ["nowhere"] }];
  expect(await list({ ParameterFilters })).toEqual({ Parameters: [] });
  expect(reads).toEqual([20, 20, 20, 20, 15]);
  expect(end()).toBeGreaterThanOrEqual(reads.length - 1);
});

test("pages have all parameters once, in order, whatever is left out between them", async () => {
  const { list, end } = listing();
  const ParameterFilters = [{ Key: "Type", Values: ["String"] }];
  const found: string[] = [];
  for (let wish: Wish | null = { ParameterFilters, MaxResults: 7 }; wish !== null; ) {
    const { Parameters = [], NextToken } = await list(wish);
    found.push(...Parameters.map(({ Name = "" }) => Name));
    wish = NextToken === undefined ? null : { ...wish, NextToken };
  }
  end();
  expect(found).toEqual(Array.from({ length: 48 }, (_, number) => parameter(2 * number).id));
});
