import { expect, it } from "vitest";
import { splitAtRequestIds } from "./request-ids.ts";

const ID = "5f3fce54-2c40-4a1b-8f00-0123456789ab";

it("cuts a line at each request id, and leaves out nothing", () => {
  expect(splitAtRequestIds(`START RequestId: ${ID} Version: 1`)).toEqual([
    { text: "START RequestId: ", isRequestId: false },
    { text: ID, isRequestId: true },
    { text: " Version: 1", isRequestId: false },
  ]);
  expect(splitAtRequestIds(`${ID} ${ID}`).map(({ isRequestId }) => isRequestId)).toEqual([true, false, true]);
  expect(splitAtRequestIds("")).toEqual([]);
});

it("takes nothing longer or shorter for one", () => {
  for (const text of [`a${ID}`, `${ID}0`, ID.slice(1), "no id"])
    expect(splitAtRequestIds(text)).toEqual([{ text, isRequestId: false }]);
});
