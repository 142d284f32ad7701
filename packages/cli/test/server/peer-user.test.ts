import { existsSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { mayAsk } from "../../src/server/guard.js";
import { userIn, userOfPeer } from "../../src/server/peer-user.js";

const list = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1590 1 00000000bdfb10be 100 0 0 10 0
   1: 0100007F:1F90 0100007F:E1F8 01 00000000:00000000 00:00000000 00000000  1000        0 1591 1 00000000bdfb10be 100 0 0 10 0
   2: 0100007F:E1F8 0100007F:1F90 01 00000000:00000000 03:00000FDE 00000000  1001        0 1592 3 00000000fd869f32
   0: 00000000000000000000000001000000:E1F9 00000000000000000000000001000000:1F90 01 00000000:00000000 03:00000FDE 00000000  1002        0 1593 3 00000000fd869f32
`;

test("the other end of a connection is found by both ports, in either family", () => {
  expect(userIn(list, 0xe1f8, 8080)).toBe(1001);
  expect(userIn(list, 0xe1f9, 8080)).toBe(1002);
  expect(userIn(list, 8080, 0xe1f8)).toBe(1000);
  expect(userIn(list, 0xe1f8, 8081)).toBeNull();
  expect(userIn("", 1, 2)).toBeNull();
});

test("the user and the administrator may ask, nobody else", () => {
  expect([mayAsk(1000, 1000), mayAsk(0, 1000), mayAsk(1001, 1000), mayAsk(1000, 0)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test.skipIf(!existsSync("/proc/net/tcp"))("a connection of this process is its user's", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  await new Promise<void>((resolve) => void socket.once("connect", resolve));
  expect(await userOfPeer(socket.localPort ?? 0, port)).toBe(process.getuid?.());
  socket.destroy();
  server.close();
});
