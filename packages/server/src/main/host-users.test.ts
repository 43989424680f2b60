import { it } from "vitest";
import { findConflicts, type HostUsers } from "./host-users.ts";

const NONE: HostUsers = { passwd: "", subuid: "", subgid: "", isDynamic: () => false };
/** A host as Debian and systemd make it, with its first user and Thaw's package. */
const USUAL: HostUsers = {
  ...NONE,
  passwd: [
    "root:x:0:0:root:/root:/bin/bash",
    "nobody:x:65534:65534::/:/usr/sbin/nologin",
    "ann:x:1000:1000::/home/ann:/bin/bash",
    "thaw:x:64321:64321::/nonexistent:/usr/sbin/nologin",
    "thaw-pager:x:64322:64322::/nonexistent:/usr/sbin/nologin",
    "",
  ].join("\n"),
  subuid: "# ids\nann:100000:65536\nbea:165536:65536\n",
  subgid: "ann:100000:65536\n",
};

it("finds nothing on a usual host, with the server's usual user and with another one", ({ expect }) => {
  expect(findConflicts(NONE, 64321)).toEqual([]);
  expect(findConflicts(USUAL, 64321)).toEqual([]);
  expect(findConflicts({ ...USUAL, passwd: `${USUAL.passwd}lambda:x:990:990::/:/bin/sh` }, 990)).toEqual([]);
});

it.for<[string, Partial<HostUsers>, number, RegExp]>([
  [
    "the server's",
    { passwd: "eve:x:64321:1::/:/bin/sh" },
    64321,
    /user eve .* id 64321, .* the server .*THAW_SERVER_UID/,
  ],
  ["the pager's", { passwd: "eve:x:64322:1::/:/bin/sh" }, 64321, /user eve .* the pager /],
  ["the pager's beside a chosen user", { passwd: "eve:x:991:1::/:/bin/sh" }, 990, /user eve .* the pager /],
  [
    "a function's",
    { passwd: "eve:x:2000000007:1::/:/bin/sh" },
    990,
    /user eve .* functions .*Give that user other ids/,
  ],
  ["functions', in part", { subuid: "eve:1999999999:2" }, 64321, /subuid gives eve the ids 1999999999 to 2000000000; /],
  ["functions', all", { subgid: "eve:600000000:1500000000" }, 64321, /subgid gives eve .* functions/],
  ["the last function's", { subuid: "eve:2000065535:1" }, 64321, /functions/],
  ["the server's, in a range", { subuid: "eve:60000:65536" }, 64321, /the server .*THAW_SERVER_UID/],
  ["the pager's, of a service", { isDynamic: (uid: number) => uid === 64322 }, 64321, /systemd .* 64322 .* the pager/],
])("refuses where another user has %s id", ([, users, serverUid, sentence], { expect }) => {
  const found = findConflicts({ ...NONE, ...users }, serverUid);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(sentence);
});

it("asks for the id of the companion only where there is one", ({ expect }) => {
  const users = { ...USUAL, passwd: `${USUAL.passwd}eve:x:64323:1::/:/bin/sh` };
  expect(findConflicts(users, 64321)).toEqual([]);
  expect(findConflicts(users, 64321, true)).toEqual([
    expect.stringMatching(/user eve .* id 64323, .* the companion .* the two after it free .*THAW_SERVER_UID/),
  ]);
});
