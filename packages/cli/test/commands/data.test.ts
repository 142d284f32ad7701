import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchFile } from "../../src/download/fetch-file.js";
import { aif } from "../in-process.js";

const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 13) & 255));
const packed = gzipSync(content);
const file = { name: "digits.gz", size: content.length, sha256: createHash("sha256").update(content).digest("hex") };

let folder = "";
let server: Server;
let mirror = "";
let asked: (string | undefined)[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

/** Ranges as a server of files gives them. */
function whole(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array = packed): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(from)) {
    response.writeHead(200, { "content-length": bytes.length }).end(bytes);
  } else if (from >= bytes.length) {
    response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
  } else {
    response.writeHead(206, { "content-length": bytes.length - from }).end(bytes.subarray(from));
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aif-data-"));
  asked = [];
  answer = whole;
  server = createServer((request, response) => {
    asked.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  mirror = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const options = { signal: new AbortController().signal, onBytes: () => {} };
const path = () => join(folder, file.name);
const fetched = (mirrors: readonly string[] = [mirror]) => fetchFile(file, path(), mirrors, options);

describe("fetching a file", () => {
  test("checks it, and does not fetch it twice", async () => {
    expect(await fetched()).toBe("fetched");
    expect(readFileSync(path()).equals(packed)).toBe(true);
    expect(await fetched()).toBe("present");
    expect(asked).toEqual([undefined]);
  });

  test("broken off, leaves a part under another name and goes on from there", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": packed.length });
      response.write(packed.subarray(0, 1000), () => setTimeout(() => response.destroy(), 300));
    };
    await expect(fetched()).rejects.toThrow(/could not be fetched.*goes on from what has arrived/);
    expect(readdirSync(folder)).toEqual(["digits.gz.part"]);
    answer = whole;
    expect(await fetched()).toBe("resumed");
    expect(asked[1]).toBe("bytes=1000-");
    expect(readFileSync(path()).equals(packed)).toBe(true);
    expect(readdirSync(folder)).toEqual(["digits.gz"]);
  });

  test("from a server without ranges begins anew", async () => {
    writeFileSync(`${path()}.part`, packed.subarray(0, 500));
    answer = (_, response) => response.writeHead(200, { "content-length": packed.length }).end(packed);
    expect(await fetched()).toBe("resumed");
    expect(readFileSync(path()).equals(packed)).toBe(true);
  });

  test("takes a part that is whole already", async () => {
    writeFileSync(`${path()}.part`, packed);
    expect(await fetched()).toBe("resumed");
    expect(readFileSync(path()).equals(packed)).toBe(true);
  });

  test("goes on from another mirror's packing, and begins anew when that does not fit", async () => {
    const other = gzipSync(content, { level: 1 });
    writeFileSync(`${path()}.part`, other.subarray(0, 5000));
    expect(other.subarray(0, 5000).equals(packed.subarray(0, 5000))).toBe(false);
    expect(await fetched()).toBe("fetched");
    expect(asked).toEqual(["bytes=5000-", undefined]);
    expect(readFileSync(path()).equals(packed)).toBe(true);
  });

  test("of another content keeps nothing and tries the next mirror", async () => {
    const other = gzipSync(Buffer.from(content).fill(1, 0, 10));
    answer = (request, response) => whole(request, response, request.url?.startsWith("/bad") ? other : packed);
    expect(await fetched([`${mirror}bad/`, mirror])).toBe("fetched");
    expect(readFileSync(path()).equals(packed)).toBe(true);
    rmSync(path());
    await expect(fetched([`${mirror}bad/`])).rejects.toThrow(/not the content that is expected.*nothing was kept/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that would unpack to more than it should is refused", async () => {
    answer = (request, response) => whole(request, response, gzipSync(Buffer.alloc(50_000_000)));
    await expect(fetched()).rejects.toThrow(/not the content/);
  });

  test("where a damaged file lies is refused", async () => {
    writeFileSync(path(), packed.subarray(0, 5000));
    await expect(fetched()).rejects.toThrow(/may be damaged.*remove it/);
  });

  test("without a server says so in one sentence", async () => {
    await expect(fetched(["http://127.0.0.1:1/"])).rejects.toThrow(
      /^digits\.gz could not be fetched \(127\.0\.0\.1:1: .*\): check the network/,
    );
  });
});

test("aif data mnist without a network, another name, no folder: one sentence each", async () => {
  const none = await aif(["data", "mnist", "--out", folder, "--mirror", "http://127.0.0.1:1/"]);
  expect(none.code).toBe(1);
  expect(none.stderr).toMatch(/^aif: train-images-idx3-ubyte\.gz could not be fetched/);
  expect((await aif(["data", "cifar", "--out", folder])).stderr).toMatch(/There is no data set "cifar": use mnist\./);
  expect((await aif(["data", "mnist"])).stderr).toMatch(/aif data mnist --out <folder>/);
});
