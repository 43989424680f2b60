import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { ConnectionGate } from "./connection-gate.ts";

class Connection extends EventEmitter {
  destroyed = false;
  readonly remoteAddress: string;
  readonly remotePort: number;
  constructor(remoteAddress: string, remotePort: number) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }
  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function gate(limits: { readonly strangersMax?: number; readonly burst?: number }) {
  const state = { nowMs: 0 };
  const served: Connection[] = [];
  const server = new EventEmitter();
  server.on("connection", (socket: Connection) => served.push(socket));
  const made = new ConnectionGate(
    { monotonicMs: () => state.nowMs },
    { strangersMax: 100, burst: 100, eachMs: 1000, ...limits },
  );
  made.guard(server);
  let port = 0;
  const connect = (address: string): Connection => {
    const connection = new Connection(address, ++port);
    server.emit("connection", connection);
    return connection;
  };
  const know = (connection: Connection): void => made.know(connection);
  return { state, served, connect, know };
}

test("an address has so many connections at once and then one after another, whatever others do", () => {
  const { state, served, connect } = gate({ burst: 2 });
  const first = [1, 2, 3].map(() => connect("192.0.2.1").destroyed);
  expect(first).toEqual([false, false, true]);
  expect(connect("192.0.2.2").destroyed).toBe(false);
  state.nowMs = 999;
  expect(connect("192.0.2.1").destroyed).toBe(true);
  state.nowMs = 1000;
  expect([connect("192.0.2.1").destroyed, connect("192.0.2.1").destroyed]).toEqual([false, true]);
  expect(served).toHaveLength(4);
});

test("addresses of version 6 of one host count as one", () => {
  const { connect } = gate({ burst: 2 });
  const addresses = ["2001:db8::1", "2001:db8:0:0:5::1", "2001:db8::2:1", "2001:db8:0:1::1", "::ffff:192.0.2.1"];
  expect(addresses.map((address) => connect(address).destroyed)).toEqual([false, false, true, false, false]);
});

test("the oldest connection of which nobody knows whose it is makes room, and none that has shown it", () => {
  const { connect, know } = gate({ strangersMax: 2 });
  const [known, idle] = [connect("192.0.2.1"), connect("192.0.2.2")];
  know(known);
  const next = connect("192.0.2.3");
  expect(idle.destroyed).toBe(false);
  const last = connect("192.0.2.4");
  expect([known, idle, next, last].map(({ destroyed }) => destroyed)).toEqual([false, true, false, false]);
  next.destroy();
  expect(connect("192.0.2.5").destroyed).toBe(false);
  expect(last.destroyed).toBe(false);
});

test("a peer that shows whose it is may go on without an end", () => {
  const { connect, know } = gate({ burst: 1, strangersMax: 1 });
  for (let count = 0; count < 50; count++) {
    const connection = connect("192.0.2.1");
    expect(connection.destroyed).toBe(false);
    know(connection);
  }
});

test("addresses that are remembered have an end", () => {
  const { connect } = gate({ burst: 1 });
  for (let count = 0; count <= 4096; count++) connect(`10.0.${count >> 8}.${count & 255}`);
  expect([connect("10.0.0.0").destroyed, connect("10.0.16.0").destroyed]).toEqual([false, true]);
});
