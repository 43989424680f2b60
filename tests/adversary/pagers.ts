/**
 * Pagers that do not do what they should, as programs in the place of thaw-pager: descriptor 3 is sandboxd, 4 the
 * chunks.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const HEAD = `#!/usr/bin/python3
import json, os, socket, subprocess, sys, time
control = socket.socket(fileno=3)

def commands():
    while True:
        data, fds, _, _ = socket.recv_fds(control, 65536, 16)
        if not data:
            sys.exit(0)
        yield json.loads(data), data, fds

def say(event, fds=()):
    socket.send_fds(control, [event if isinstance(event, bytes) else json.dumps(event).encode()], list(fds))

def is_ping(command):
    return command == "Ping"
`;

/** Passes all messages on; `events`: what becomes of one from the good pager. */
function behind(events: string): string {
  return `ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
chunks = os.dup(4)
if os.fork() == 0:
    high = [os.dup(os.dup(theirs.fileno())), os.dup(chunks)]
    os.dup2(high[0], 3)
    os.dup2(high[1], 4)
    os.closerange(5, 100)
    os.execv(REAL, [REAL, *sys.argv[1:]])
theirs.close()
import select, struct

def huge():
    file = os.memfd_create("huge")
    os.write(file, struct.pack("<IIQ", 1001, 2**32 - 1, 0x1000))
    os.lseek(file, 0, 0)
    return file

while True:
    ready, _, _ = select.select([control, ours], [], [])
    for one in ready:
        data, fds, _, _ = socket.recv_fds(one, 65536, 16)
        if not data: sys.exit(0)
        for what, descriptors in ([(data, fds)] if one is control else ${events}):
            socket.send_fds(ours if one is control else control, [what], descriptors)
        for fd in fds: os.close(fd)
`;
}

const BODIES = {
  /** Ends at once. */
  dead: "sys.exit(1)\n",
  /** Never reads. */
  deaf: "time.sleep(1000)\n",
  /** Answers pings, takes sessions, and gives no page. */
  idle: "kept = []\nfor command, data, fds in commands():\n    kept.append(fds)\n    if is_ping(command): say('Pong')\n",
  /** Words that are no message. */
  babbling: "for command, data, fds in commands():\n    say(b'\\xff\\x00 what?')\n",
  /** Messages about sessions and chunks that nobody has asked for. */
  lying: `for command, data, fds in commands():
    say({"Completed": {"session": "nobody", "is_ok": True}})
    say({"Failed": {"session": "nobody", "message": "no", "is_damaged": True}})
    say({"Want": {"chunk": "../../etc/passwd", "is_damaged": True}})
    if is_ping(command): say('Pong')
    for fd in fds: os.close(fd)
`,
  /** Hangs up on every clone. */
  refusing: `for command, data, fds in commands():
    if is_ping(command): say('Pong')
    for fd in fds: os.close(fd)
`,
  /** Ends when it is given a clone. */
  mortal: `for command, data, fds in commands():
    if is_ping(command): say('Pong')
    if "Session" in command: sys.exit(1)
    for fd in fds: os.close(fd)
`,
  /** A good one behind it, but every event comes twice. */
  twice: behind("[(data, fds)] * 2"),
  /** A good one behind it, but it says that a clone has touched sixteen thousand gigabytes. */
  boasting: behind("[(data, [huge()] if b'Recorded' in data else fds)]"),
} as const;

export type BadPager = keyof typeof BODIES;
export const BAD_PAGERS = Object.keys(BODIES) as readonly BadPager[];

/** Path of the program. `real`: the good one. */
export function writePager(dir: string, kind: BadPager, real: string): string {
  const path = join(dir, `pager-${kind}`);
  writeFileSync(path, `${HEAD}REAL = ${JSON.stringify(real)}\n${BODIES[kind]}`, { mode: 0o755 });
  return path;
}
