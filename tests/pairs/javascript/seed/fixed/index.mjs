import { randomInt } from "node:crypto";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export const handler = async () => ({ ticket: uniformInt(xoroshiro128plus(randomInt(0x7fffffff)), 0, 0x7fffffff) });
