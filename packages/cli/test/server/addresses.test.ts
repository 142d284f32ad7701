import { expect, test } from "vitest";
import { authorityOf, isLoopback, namesOf } from "../../src/server/addresses.js";

test("links name an address that leads to the server, and no name that others can make lead there is answered", () => {
  expect(namesOf("127.0.0.1")).toEqual(["127.0.0.1", "localhost"]);
  expect(namesOf("::1")).toEqual(["[::1]"]);
  expect(namesOf("192.168.0.7")).toEqual(["192.168.0.7"]);
  expect(namesOf("0.0.0.0")).toContain("127.0.0.1");
  expect(namesOf("0.0.0.0").every((name) => /^(?:localhost|[\d.]+|\[[\da-f:]+\])$/.test(name))).toBe(true);
  expect(["127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.0.7"].map(isLoopback)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("a server is called as browsers call it: at port 80 without the port", () => {
  expect([authorityOf("127.0.0.1", 80), authorityOf("[::1]", 8080)]).toEqual(["127.0.0.1", "[::1]:8080"]);
});
