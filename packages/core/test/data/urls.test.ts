import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../../src/data/read.js";
import { openStreamed } from "../../src/data/stream/open.node.js";
import { expectFailure, plain, temporaryFolder } from "./helpers.js";

const folder = temporaryFolder();
const n = 3000;
const rows = Array.from({ length: n }, (_, i) => ({ x: Math.sin(i), y: 2 * Math.sin(i) + (i % 5) }));
const csv = `x,y\n${rows.map(({ x, y }) => `${x},${y}`).join("\n")}\n`;
const parquet = new Uint8Array(
  parquetWriteBuffer({
    columnData: [
      { name: "x", data: rows.map(({ x }) => x), type: "DOUBLE" },
      { name: "y", data: rows.map(({ y }) => y), type: "DOUBLE" },
    ],
    rowGroupSize: 1000,
  }),
);

/** A server of files in memory, with ranges and without, that notes what it is asked. */
let server: Server;
let base = "";
const asked: { url: string; range: string | undefined; authorization: string | undefined }[] = [];
let etag = '"1"';

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { range, authorization } = request.headers;
  const url = request.url ?? "";
  asked.push({ url, range, authorization });
  const [path] = url.split("?");
  const body = path.endsWith(".parquet") ? parquet : new TextEncoder().encode(csv);
  if (path.startsWith("/missing")) {
    response.writeHead(404).end("no");
  } else if (path.startsWith("/secret")) {
    response.writeHead(403).end("no");
  } else if (path.startsWith("/whole")) {
    response.writeHead(200, { "content-length": body.length }).end(body);
  } else if (path.startsWith("/breaks") && range === undefined) {
    response.writeHead(200, { "content-length": body.length });
    response.write(body.subarray(0, 1000), () => response.destroy());
  } else if (path.startsWith("/breaks")) {
    response.writeHead(200, { "content-length": body.length }).end(body);
  } else {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(range ?? "") ?? [];
    const [start, end] = [Number(from), Math.min(Number(to), body.length - 1)];
    response.writeHead(206, { etag, "content-range": `bytes ${start}-${end}/${body.length}` });
    response.end(body.subarray(start, end + 1));
    if (path.startsWith("/changes") && start > 0) etag = `"${asked.length}"`;
  }
}

beforeAll(async () => {
  server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe("files on a server", () => {
  test("are read by ranges where it has them, else from the start", async () => {
    const wanted = plain(await readTable(new TextEncoder().encode(csv)));
    for (const path of ["ranges.csv", "ranges.parquet", "whole.csv", "whole.parquet"]) {
      const table = await readTable(`${base}/${path}`);
      expect(table.source).toBe(`${base}/${path}`);
      expect(plain(table)).toEqual(wanted);
    }
    const ofParquet = asked.filter(({ url }) => url === "/ranges.parquet");
    expect(ofParquet.every(({ range }) => range !== undefined)).toBe(true);
  });

  test("have names without credentials and queries, which may be secret", async () => {
    const host = base.replace("http://", "http://me:p%40ss@");
    const table = await readTable(`${host}/ranges.csv?signature=secret`);
    expect(table.source).toBe(`${base}/ranges.csv`);
    expect(asked.at(-1)).toMatchObject({
      url: "/ranges.csv?signature=secret",
      authorization: `Basic ${btoa("me:p@ss")}`,
    });
  });

  test("that are not there, not ours, or change, are one sentence", async () => {
    await expectFailure(
      () => readTable(`${base}/missing.csv`),
      "input",
      /answers 404 \(Not Found\): there is no such file/,
    );
    await expectFailure(() => readTable(`${base}/secret.csv`), "input", /answers 403 .*: you may not read it/);
    await expectFailure(() => readTable("http://127.0.0.1:65000/x.csv"), "input", /cannot be reached \(ECONNREFUSED\)/);
    await expectFailure(() => readTable("https://"), "input", /is no address/);
    await expectFailure(
      () => readTable(`${base}/changes.parquet`),
      "input",
      /changes\.parquet changed while it was read/,
    );
    await expectFailure(() => readTable(`${base}/breaks.csv`), "input", /the connection broke off before the end/);
  });

  test("are streamed as parts that a list names", async () => {
    await folder.write("part.csv", csv);
    const list = await folder.write(
      "parts.txt",
      `# two parts\n${base}/ranges.parquet\n\npart.csv\n${base}/whole.csv\n`,
    );
    const options = { encode: { target: "y" }, split: { kind: "training" as const }, seed: 0 };
    const { training, source, close } = await openStreamed(`@${list}`, options);
    expect(source).toBe(`3 files (@${list})`);
    expect(training.rows).toBe(3 * n);
    let [at, worst] = [0, 0];
    for (const { y } of training.blocks())
      for (const value of y) worst = Math.max(worst, Math.abs(value - rows[at++ % n].y));
    expect(worst).toBe(0);
    close();
    const twice = await folder.write(
      "twice.txt",
      `${base}/whole.csv?part=1\n${base}/whole.csv?part=2\n${base}/whole.csv?part=1`,
    );
    await expectFailure(
      () => readTable(`@${twice}`),
      "input",
      /twice\.txt names http:\/\/127.*whole\.csv in line 1 and again in line 3: its rows would count twice/,
    );
    const none = await folder.write("none.txt", "# nothing\n");
    await expectFailure(() => readTable(`@${none}`), "input", /names no file/);
    await expectFailure(() => readTable("@nowhere.txt"), "input", /There is no file nowhere\.txt/);
  });
});
