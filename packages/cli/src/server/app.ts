import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { AifError } from "@aif/core";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE } from "hono/streaming";
import { usageError } from "../errors.js";
import { version } from "../version.js";
import type { Assets } from "./assets.js";
import type { Guard } from "./guard.js";
import { jobWords } from "./job-words.js";
import type { JobStatus, Jobs } from "./jobs.js";
import { jsonBody } from "./json-body.js";
import { LIMITS } from "./limits.js";
import type { PageOptions } from "./page-options.js";
import type { Tables } from "./tables.js";

/** What the server is made of. */
export interface ServerParts {
  readonly guard: Guard;
  readonly tables: Tables;
  readonly jobs: Jobs;
  readonly assets: Assets;
  readonly options: PageOptions;
}

const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
};

/** The HTTP side: the page's files, tables that come in, work that is asked for, and how it goes. */
export function serverApp({ guard, tables, jobs, assets, options }: ServerParts): Hono {
  const app = new Hono();
  app.use("*", async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) {
      if (!context.res.headers.has(name)) context.res.headers.set(name, value);
    }
  });
  app.use("*", guard.sameOrigin);
  app.onError(answerTo);

  const small = bodyLimit({
    maxSize: LIMITS.jsonBytes,
    onError: (context) => context.json({ error: "The request is too large." }, 413),
  });
  app.post("/api/session", small, guard.exchange);
  app.use("/api/*", guard.known);

  app.get("/api/about", (context) =>
    context.json({
      version,
      limits: LIMITS,
      options: Object.fromEntries([...options].map(([command, flags]) => [command, [...flags]])),
      tables: tables.list(),
      jobs: jobs.list(),
    }),
  );
  app.post("/api/tables", async (context) => {
    const announced = Number(context.req.header("content-length") ?? Number.NaN);
    const name = decodedName(context.req.header("x-file-name"));
    const body = context.req.raw.body as ReadableStream<Uint8Array> | null;
    const table = await tables.receive(name, body, Number.isFinite(announced) ? announced : null);
    return context.json(table, 201);
  });
  app.delete("/api/tables/:id", async (context) => {
    await tables.remove(context.req.param("id"));
    return context.json({});
  });

  app.post("/api/jobs", small, async (context) => {
    const { command, table, words } = jobWords(await jsonBody(context), options);
    return context.json(jobs.start(command, tables.placeOf(table), words), 201);
  });
  app.get("/api/jobs/:id", (context) => context.json(jobs.status(context.req.param("id"))));
  app.delete("/api/jobs/:id", (context) => {
    jobs.cancel(context.req.param("id"));
    return context.json(jobs.status(context.req.param("id")));
  });
  app.get("/api/jobs/:id/events", (context) => eventsOf(context, jobs, context.req.param("id")));
  app.get("/api/jobs/:id/result", async (context) =>
    fileAnswer(await jobs.fileOf(context.req.param("id"), "result.json"), "application/json", null),
  );
  app.get("/api/jobs/:id/report", async (context) =>
    fileAnswer(
      await jobs.fileOf(context.req.param("id"), "report.html"),
      "text/html; charset=utf-8",
      "aif-report.html",
    ),
  );
  app.all("/api/*", (context) => context.json({ error: "There is nothing here." }, 404));

  app.get("*", (context) => {
    const asset = assets.get(context.req.path);
    if (!asset) return context.text("There is nothing here.", 404);
    return context.body(asset.bytes, 200, { "Content-Type": asset.type });
  });
  return app;
}

/** Every change of a piece of work until it ends, as server-sent events. */
const eventsOf = (context: Context, jobs: Jobs, id: string): Response => {
  const first = jobs.status(id);
  if (jobs.listenerCount("change") >= LIMITS.streams) {
    throw usageError(`${LIMITS.streams} pages follow work already: close some.`);
  }
  return streamSSE(context, async (stream) => {
    const pending: JobStatus[] = [first];
    let wake = (): void => {};
    const notice = (status: JobStatus): void => {
      if (status.id !== id) return;
      pending.push(status);
      wake();
    };
    jobs.on("change", notice);
    stream.onAbort(() => wake());
    try {
      while (!stream.aborted) {
        const status = pending.pop();
        pending.length = 0;
        if (status) {
          await stream.writeSSE({ event: "status", data: JSON.stringify(status) });
          if (status.state !== "waiting" && status.state !== "running") return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      jobs.off("change", notice);
    }
  });
};

async function fileAnswer(path: string, type: string, download: string | null): Promise<Response> {
  const { size } = await stat(path);
  return new Response(Readable.toWeb(createReadStream(path)) as unknown as BodyInit, {
    headers: {
      "Content-Type": type,
      "Content-Length": String(size),
      ...(download === null ? {} : { "Content-Disposition": `attachment; filename="${download}"` }),
    },
  });
}

function decodedName(header: string | undefined): string {
  try {
    return decodeURIComponent(header ?? "") || "table.csv";
  } catch {
    return "table.csv";
  }
}

/** Mistakes get their sentence; anything else says that it is ours. */
function answerTo(error: Error, context: Context): Response {
  if (error instanceof AifError)
    return context.json({ error: error.message, code: error.code }, error.code === "usage" ? 400 : 422);
  if (process.env["AIF_DEBUG"] === "1") console.error(error);
  return context.json({ error: "Something went wrong in the server; the terminal shows more with AIF_DEBUG=1." }, 500);
}
