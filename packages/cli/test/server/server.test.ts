/** The local server as a browser, a stranger and a careless page meet it. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { StudyResult } from "@aif/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../src/program.js";
import { jobWords } from "../../src/server/job-words.js";
import type { JobStatus } from "../../src/server/jobs.js";
import { LIMITS } from "../../src/server/limits.js";
import { pageOptions } from "../../src/server/page-options.js";
import type { RunningServer } from "../../src/server/serve.js";
import type { ServedTable } from "../../src/server/tables.js";
import { houses } from "../launch.js";

// As it is built: it starts processes of its own.
const { serve } = (await import(
  new URL("../../dist/server/serve.js", import.meta.url).href
)) as typeof import("../../src/server/serve.js");
const assets = mkdtempSync(join(tmpdir(), "aif-assets-"));
writeFileSync(join(assets, "index.html"), "<!doctype html><title>page</title>");
const options = pageOptions(buildProgram());
let server: RunningServer;
let cookie = "";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const own = (): string => `http://127.0.0.1:${server.port}`;

/** What comes back for bytes that no browser and no library would send. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("latin1").on("data", (part: string) => {
      answer += part;
      // An event stream does not end by itself.
      if (answer.includes("event: status")) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

/** A client that can lie about its host. */
function ask(
  method: string,
  path: string,
  {
    headers = {},
    body,
  }: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Uint8Array } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port: server.port,
        method,
        path,
        headers: { cookie, origin: own(), ...headers },
        agent: false,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const json = async <Value>(answer: Promise<Answer>): Promise<Value> => JSON.parse((await answer).text) as Value;
const post = (path: string, body: unknown, headers = {}): Promise<Answer> =>
  ask("POST", path, { headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });

async function finished(id: string): Promise<JobStatus> {
  const { text } = await ask("GET", `/api/jobs/${id}/events`);
  const last = text.trim().split("\n\n").at(-1) ?? "";
  return JSON.parse(last.slice(last.indexOf("data: ") + 6)) as JobStatus;
}

/** A process that this one has started, by a word of its command line; null where the system does not tell. */
function ownProcess(word: string): number | null {
  if (!existsSync("/proc/self/stat")) return null;
  const textOf = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return ""; // It has ended while it is looked at.
    }
  };
  const mine = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => textOf(`/proc/${pid}/cmdline`).includes(word))
    .find((pid) => Number(textOf(`/proc/${pid}/stat`).split(") ")[1]?.split(" ")[1]) === process.pid);
  return mine === undefined ? null : Number(mine);
}

const upload = (name: string, body: string | Uint8Array): Promise<Answer> =>
  ask("POST", "/api/tables", { headers: { "x-file-name": encodeURIComponent(name) }, body });

beforeAll(async () => {
  server = await serve({ port: 0, host: "127.0.0.1", data: houses, assets, options });
  const welcome = await post("/api/session", { token: server.link.split("token=")[1] });
  const [set] = welcome.headers["set-cookie"] as string[];
  expect(set).toMatch(/HttpOnly; SameSite=Strict/);
  cookie = set.split(";")[0];
});

afterAll(async () => {
  await server.close();
  rmSync(assets, { recursive: true, force: true });
});

describe("who is let in", () => {
  test("nobody without the token", async () => {
    expect((await ask("GET", "/api/about", { headers: { cookie: "" } })).status).toBe(401);
    expect((await post("/api/session", { token: "wrong" }, { cookie: "" })).status).toBe(401);
    expect((await post("/api/session", null, { cookie: "" })).status).toBe(401);
  });

  // Switching the user takes an administrator.
  test.skipIf(process.getuid?.() !== 0 || !existsSync("/proc/net/tcp"))(
    "another user of this machine, who has read the link off a command line",
    async () => {
      const token = server.link.split("token=")[1];
      const program = `fetch("${own()}/api/session", { method: "POST", headers: { origin: "${own()}" },
        body: JSON.stringify({ token: "${token}" }) }).then(async (answer) => console.log(answer.status, await answer.text()))`;
      const asking = (uid: number) => promisify(execFile)(process.execPath, ["-e", program], { uid, cwd: "/" });
      expect((await asking(65_534)).stdout).toMatch(/^403 .*another user's/);
      expect((await asking(0)).stdout).toMatch(/^200 /);
    },
  );

  test("one server's cookie leaves another's alone: browsers do not tell ports apart", () => {
    expect(cookie.split("=")[0]).toBe(`aif-session-${server.port}`);
  });

  test.each([
    [{ host: "evil.example" }, 421],
    [{ origin: "http://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
  ])("no other host or origin: %j", async (headers, status) => {
    for (const path of ["/", "/api/about", "/api/jobs/j1/events"]) {
      expect((await ask("GET", path, { headers })).status).toBe(status);
    }
    expect((await post("/api/jobs", {}, headers)).status).toBe(status);
  });

  test("pages get a policy that loads nothing from elsewhere", async () => {
    const { headers, status } = await ask("GET", "/");
    expect(status).toBe(200);
    expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers["content-security-policy"]).not.toMatch(/unsafe-(?:inline|eval)'(?<!wasm-unsafe-eval')|https?:/);
    expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
  });

  test.each([
    "/../package.json",
    "/..%2f..%2fpackage.json",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/C:/x",
    "/api/nothing",
    "/constructor",
    "/__proto__",
  ])("no path leads out: %s", async (path) => {
    expect((await ask("GET", path)).status).toBe(404);
  });
});

describe("a raw connection", () => {
  const head = (line: string, ...headers: readonly string[]): string =>
    `${[line, ...headers, `Cookie: ${cookie}`, "Connection: close"].join("\r\n")}\r\n\r\n`;
  const host = (): string => `Host: 127.0.0.1:${server.port}`;
  const origin = (): string => `Origin: ${own()}`;
  const json = ["Content-Type: application/json", "Content-Length: 2"];
  const statusOf = async (text: string): Promise<number> => Number((await raw(text)).split(" ")[1] ?? 0);

  test("needs one Host, which is this server's, whatever the request line says", async () => {
    const about = "GET /api/about HTTP/1.1";
    expect(await statusOf(head(about, host()))).toBe(200);
    expect(await statusOf(head(about))).toBe(400);
    expect(await statusOf(head("GET /api/about HTTP/1.0"))).toBe(421);
    expect([400, 421]).toContain(await statusOf(head(about, host(), "Host: evil.example")));
    expect(await statusOf(head(about, "Host: evil.example"))).toBe(421);
    expect(await statusOf(head(`GET http://127.0.0.1:${server.port}/api/about HTTP/1.1`, "Host: evil.example"))).toBe(
      421,
    );
    expect(await statusOf(head(about, `Host: evil.example@127.0.0.1:${server.port}`))).not.toBe(200);
  });

  test("changes nothing and follows nothing without saying where it comes from", async () => {
    for (const line of ["POST /api/jobs HTTP/1.1", "POST /api/tables HTTP/1.1", "DELETE /api/tables/t0-1 HTTP/1.1"]) {
      expect(await statusOf(`${head(line, host(), ...json)}{}`)).toBe(403);
      expect(await statusOf(`${head(line, host(), "Origin: null", ...json)}{}`)).toBe(403);
      expect(await statusOf(`${head(line, host(), "Sec-Fetch-Site: same-origin", ...json)}{}`)).toBe(403);
    }
    expect(await statusOf(`${head("POST /api/session HTTP/1.1", host(), ...json)}{}`)).toBe(403);
    expect(await statusOf(`${head("POST /api/jobs HTTP/1.1", host(), origin(), ...json)}{}`)).toBe(400);
    const events = "GET /api/jobs/j0/events HTTP/1.1";
    expect(await statusOf(head(events, host()))).toBe(403);
    expect(await statusOf(head(events, host(), "Sec-Fetch-Site: none"))).toBe(403);
    expect(await statusOf(head(events, host(), "Sec-Fetch-Site: same-origin"))).toBe(400);
  });

  test("with headers without end, or none that end, is ended", async () => {
    expect(await statusOf(head("GET / HTTP/1.1", host(), `X: ${"x".repeat(100_000)}`))).toBe(431);
    expect(await statusOf("NONSENSE\r\n\r\n")).toBe(400);
  });

  test("has no token in what is sent for a link", () => {
    const { hash, search, pathname } = new URL(server.link);
    expect([hash.startsWith("#token="), search, pathname]).toEqual([true, "", "/"]);
  });
});

describe("an analysis", () => {
  test("runs, tells how far it is, and leaves result and report", async () => {
    const { tables } = await json<{ tables: ServedTable[] }>(ask("GET", "/api/about"));
    expect(tables[0]).toMatchObject({ name: "house-prices.csv", rows: 800 });
    expect(tables[0].columns.find(({ name }) => name === "district")).toMatchObject({
      kind: "categorical",
      distinct: 5,
    });
    const options = [
      ["--target", "price_thousands"],
      ["--norm", "2,inf"],
      ["--inference", "none"],
    ];
    const started = await json<JobStatus>(post("/api/jobs", { command: "analyze", table: tables[0].id, options }));
    const ended = await finished(started.id);
    expect(ended).toMatchObject({ state: "done", error: null });
    expect(ended.progress).not.toBeNull();
    const result = await json<StudyResult>(ask("GET", `/api/jobs/${started.id}/result`));
    expect(result.settings).toMatchObject({ source: "house-prices.csv", norms: ["2", "inf"] });
    const report = await ask("GET", `/api/jobs/${started.id}/report`);
    expect(report.text).toContain("aif analyze house-prices.csv --target=price_thousands");
    expect(report.text).not.toContain("aif-serve-");
  });

  test("fails with the command line's own sentence", async () => {
    const { tables } = await json<{ tables: ServedTable[] }>(ask("GET", "/api/about"));
    const { id } = await json<JobStatus>(
      post("/api/jobs", { command: "analyze", table: tables[0].id, options: [["--target", "nope"]] }),
    );
    expect(await finished(id)).toMatchObject({
      state: "failed",
      error: expect.stringMatching(/^house-prices.csv has no target column "nope"/),
    });
    expect((await ask("GET", `/api/jobs/${id}/result`)).status).toBe(400);
  });

  test("is cancelled, killed or queued without harm to the others", async () => {
    const { tables } = await json<{ tables: ServedTable[] }>(ask("GET", "/api/about"));
    const work = {
      command: "analyze",
      table: tables[0].id,
      options: [
        ["--target", "price_thousands"],
        ["--model", "mlp:64,64"],
        ["--restarts", "50"],
      ],
    };
    const answers = await Promise.all(
      Array.from({ length: LIMITS.waiting + LIMITS.running + 3 }, () => post("/api/jobs", work)),
    );
    const started = answers.filter(({ status }) => status === 201).map(({ text }) => JSON.parse(text) as JobStatus);
    const refused = answers.find(({ status }) => status === 400);
    expect(started).toHaveLength(LIMITS.waiting + LIMITS.running);
    expect(refused?.text).toMatch(/50 analyses are waiting already/);
    const { jobs } = await json<{ jobs: JobStatus[] }>(ask("GET", "/api/about"));
    const running = jobs.filter(({ state }) => state === "running");
    expect(running).toHaveLength(LIMITS.running);
    // One is killed from outside, the rest is cancelled; the page is told.
    const [{ id: killed }] = running;
    const mine = ownProcess(`${killed}/result.json`);
    for (const { id } of started.toReversed())
      if (id !== killed || mine === null) await ask("DELETE", `/api/jobs/${id}`);
    if (mine !== null) process.kill(mine, "SIGKILL");
    const first = await finished(killed);
    if (mine === null) expect(first.state).toBe("cancelled");
    else
      expect(first).toMatchObject({
        state: "failed",
        error: expect.stringMatching(/ended from outside.*run it again/),
      });
    const others = started.filter(({ id }) => id !== killed);
    expect(others).toHaveLength(LIMITS.waiting + LIMITS.running - 1);
    for (const { id } of others) expect((await finished(id)).state).toBe("cancelled");
    const { id } = await json<JobStatus>(
      post("/api/jobs", {
        ...work,
        options: [
          ["--target", "price_thousands"],
          ["--inference", "none"],
        ],
      }),
    );
    expect((await finished(id)).state).toBe("done");
  }, 180_000);
});

describe("uploads", () => {
  test("are read under their own name, whatever it is, and stay in a private folder", async () => {
    const table = "a,b\n1,2\n2,3\n3,5\n4,4\n";
    const hostile = ["__proto__", "two\nlines", "\u001b]0;title\u0007window", "right\u202eot tfel", "x".repeat(3000)];
    const names = [...hostile, "../../etc/passwd", "-rf.csv", "a.parquet/../b.csv", "..", ""];
    const answers = await Promise.all(names.map((name) => upload(name, table)));
    expect(answers.map(({ status }, k) => [status, names[k]])).toEqual(names.map((name) => [201, name]));
    const folders = readdirSync(tmpdir()).filter((name) => name.startsWith("aif-serve-"));
    // Another file's server may take its folder away meanwhile.
    const found = folders.map((name) => statSync(join(tmpdir(), name), { throwIfNoEntry: false }));
    const modes = found.filter((folder) => folder !== undefined).map(({ mode }) => mode & 0o777);
    expect(new Set(modes)).toEqual(new Set([0o700]));
    const { tables } = await json<{ tables: ServedTable[] }>(ask("GET", "/api/about"));
    expect(tables.length).toBeLessThanOrEqual(LIMITS.tables);
    expect(tables[0].name).toBe(basename(houses));
  }, 120_000);

  test("a broken file gets one sentence", async () => {
    const broken = await upload("broken.csv", "a,b\n1,2\n3,4,5\n");
    expect(broken.status).toBe(422);
    expect(JSON.parse(broken.text)).toMatchObject({
      error: expect.stringMatching(/^broken\.csv: line 3 has 3 cells, expected 2/),
    });
    expect((await upload("nothing.csv", "")).status).toBe(422);
  });

  test("a table with a cell that no column can hold is shown, and its other columns can be analysed", async () => {
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${(7 * i) % 13},${i === 1 ? "inf" : i % 7},${(i % 13) + (i % 5) / 2}`,
    );
    const { status, text } = await upload("infinite.csv", `a,k,y\n${rows.join("\n")}\n`);
    expect(status).toBe(201);
    const table: ServedTable = JSON.parse(text);
    expect(table.columns.map(({ name, missing }) => [name, missing])).toEqual([
      ["a", 0],
      ["k", 1],
      ["y", 0],
    ]);
    const analyse = async (...more: (readonly [string, string])[]): Promise<JobStatus> => {
      const options = [["--target", "y"], ...more];
      const { id } = await json<JobStatus>(post("/api/jobs", { command: "analyze", table: table.id, options }));
      return finished(id);
    };
    expect(await analyse()).toMatchObject({
      state: "failed",
      error: expect.stringMatching(/"k" holds inf.*--exclude/),
    });
    expect(await analyse(["--exclude", "k"])).toMatchObject({ state: "done" });
  }, 120_000);

  test("too large is refused by its announcement, before anything is sent", async () => {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const sent = request(
        {
          host: "127.0.0.1",
          port: server.port,
          method: "POST",
          path: "/api/tables",
          headers: { cookie, origin: own(), "content-length": String(2 ** 31) },
        },
        (response) => {
          let text = "";
          response.on("data", (part: Buffer) => {
            text += part.toString();
          });
          response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: {}, text }));
          response.on("error", reject);
        },
      );
      sent.on("error", () => {});
      sent.flushHeaders();
    });
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/more than 1 GB/);
  });

  test("a file that unpacks without end ends in a sentence", async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from("a,b\n"), Buffer.alloc(2e7, `1,${"0".repeat(5000)}\n`)]));
    expect(bomb.length).toBeLessThan(2e5);
    const { status, text } = await upload("bomb.csv.gz", bomb);
    expect([status, text]).toEqual([
      422,
      expect.stringMatching(/bomb\.csv\.gz unpacks to more than 300 times its size/),
    ]);
  }, 180_000);
});

describe("requests", () => {
  test.each([
    [null, /can ask for/],
    [{ command: "serve", table: "t", options: [] }, /can ask for/],
    [{ command: "analyze", table: "t", options: [["--out", "/etc/passwd"]] }, /cannot use "--out"/],
    [{ command: "analyze", table: "t", options: [["--import", "/etc/passwd"]] }, /cannot use "--import"/],
    [{ command: "analyze", table: "t", options: [["--evaluation", "/etc/passwd"]] }, /files are for the terminal/],
    [{ command: "analyze", table: "t", options: [["--project", "../x.csv"]] }, /files are for the terminal/],
    [{ command: "analyze", table: "t", options: [["--target", "a\0b"]] }, /list of one or two texts/],
    [{ command: "analyze", table: "t", options: "x" }, /list of one or two texts/],
  ])("%j is refused", (request, sentence) => {
    expect(() => jobWords(request, options)).toThrow(sentence);
  });

  test("what the page may use follows the commands, but for what names files", () => {
    const { analyze, compare } = Object.fromEntries(options);
    for (const flag of ["--target", "--l1-ratio", "--smoothing", "--gamma", "--attack-rate", "--project"])
      expect(analyze).toContain(flag);
    const files = "--out --report --import --scaler --coefficients --worst-case --format --fail-if --strict --threads";
    for (const flag of files.split(" ")) expect(analyze).not.toContain(flag);
    expect(compare).toContain("--features");
    expect(compare).not.toContain("--chart");
    expect(compare).not.toContain("--alpha");
    expect(options.get("adversarial-train")).not.toContain("--checkpoint");
  });

  test("an endless value is refused", () => {
    const long = [["--target", "x".repeat(LIMITS.valueLength + 1)]];
    expect(() => jobWords({ command: "analyze", table: "t", options: long }, options)).toThrow(/too long/);
  });

  test("a value never becomes an option", () => {
    const request = { command: "analyze", table: "t", options: [["--target", "--out=x"]] };
    expect(jobWords(request, options).words).toEqual(["--target=--out=x"]);
  });

  test("large or deep JSON is refused", async () => {
    // The server does not wait for the rest: it answers, or ends the connection while the client still writes.
    const large = { command: "analyze", table: "x".repeat(LIMITS.jsonBytes), options: [] };
    const status = await post("/api/jobs", large).then(
      (answer) => answer.status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect([413, "ECONNRESET", "EPIPE"]).toContain(status);
    for (const deep of [
      "[".repeat(10_000),
      "[".repeat(100_000) + "]".repeat(100_000),
      '{"command":{"a":[[[[[[[[1]]]]]]]]}}',
    ]) {
      const headers = { "content-type": "application/json" };
      expect((await ask("POST", "/api/jobs", { headers, body: deep })).status).toBe(400);
      expect((await ask("POST", "/api/session", { headers, body: deep })).status).toBe(401);
    }
  });
});
