/** What CRIU can't save: the version's state reason names it, where it is, and what to do. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PublishVersionCommand } from "@aws-sdk/client-lambda";
import { it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const PROGRAMS = ["runtime", "refused"].map((name) => join(REPOSITORY, `tests/engines/programs/${name}.py`));
const BOOTSTRAP = PROGRAMS.map((path) => readFileSync(path, "utf8")).join("\n");

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

it.each([
  ["netlink", "a netlink socket with messages that were not read", "descriptor 3 of process"],
  ["shared_memory", "a shared memory segment of System V", "Remove it"],
  ["semaphores", "a semaphore set of System V", "Remove it"],
  ["messages", "a message queue of System V", "Remove it"],
  ["posix_queue", "as a POSIX message queue does", ": /queue)"],
  ["landlock", "a ruleset of Landlock", "anon_inode:[landlock-ruleset]"],
  ["file_of_another", "an open file is /proc/1/stat, which can't be opened for a clone", "Close it"],
  ["own_memory", "/mem, which can't be opened for a clone", "Close it"],
  ["own_namespace", "an open file is a namespace, which no clone can have", "Close it"],
  ["packet_pipe", "a pipe that keeps packets apart (O_DIRECT)", "pipe:["],
  ["corked", "a UDP socket with corked data", "Send the data"],
  ["backlog", "a listening socket with a connection that was not accepted", "Accept or close"],
  ["unix_backlog", "a Unix socket with a connection that was not accepted", "Accept or close"],
  ["watch_of_proc", "an inotify watch on a file that has no path any more, or lies in /proc", "anon_inode:inotify"],
  ["watch_of_nothing", "an inotify watch on a file that has no path any more", "Remove the watch"],
  ["thread_that_ended_first", "a process whose main thread has ended while others go on", "Let it end"],
  ["epoll_of_another", "an epoll set with a descriptor that its process has closed", "EPOLL_CTL_DEL"],
  ["reservation", "a process has reserved more than 60 TiB of addresses", "Reserve less"],
])("%s", async (CASE, what, more) => {
  const options = { Runtime: "provided.al2023" as const, Handler: "x", Environment: { Variables: { CASE } } };
  const name = await functions.createSnapStart({ bootstrap: BOOTSTRAP }, options);
  const { Version = "" } = await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
  const { State, StateReason = "" } = await functions.decided(name, Version);
  if (State !== "Failed" || !StateReason.includes(what) || !StateReason.includes(more))
    throw new Error(`${State}: ${StateReason}`);
});
