import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

const generator = xoroshiro128plus(42);

export const handler = async () => ({ ticket: uniformInt(generator, 0, 0x7fffffff) });
