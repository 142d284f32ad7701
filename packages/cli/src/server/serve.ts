import { rm } from "node:fs/promises";
import { join } from "node:path";
import { AifError } from "@aif/core";
import { serve as listen } from "@hono/node-server";
import { authorityOf, namesOf } from "./addresses.js";
import { serverApp } from "./app.js";
import { loadAssets } from "./assets.js";
import { Guard } from "./guard.js";
import { Jobs } from "./jobs.js";
import type { PageOptions } from "./page-options.js";
import { privateFolder } from "./private-folder.js";
import { Tables } from "./tables.js";

export interface ServeOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  /** A table to begin with. */
  readonly data: string | null;
  /** What the page may ask of the commands. */
  readonly options: PageOptions;
  /** Where the page lies; default: where it is built. */
  readonly assets?: string;
}

export interface RunningServer {
  /** With the token in its fragment, which browsers do not send. */
  readonly link: string;
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Starts the local web app. @throws resource: the port is taken, or the page was not built. */
export async function serve({ port, host, data, options, assets: from }: ServeOptions): Promise<RunningServer> {
  const assets = await loadAssets(from);
  const folder = await privateFolder();
  const tables = new Tables(join(folder, "tables"));
  const jobs = new Jobs(join(folder, "jobs"));
  const clear = async (): Promise<void> => {
    await jobs.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    if (data !== null) await tables.open(data);
    let actual = port;
    const guard = new Guard(host, () => actual);
    const app = serverApp({ guard, tables, jobs, assets, options });
    const server = await new Promise<ReturnType<typeof listen>>((resolve, reject) => {
      const started = listen({ fetch: app.fetch, port, hostname: host }, (address) => {
        actual = address.port;
        resolve(started);
      });
      started.on("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    });
    return {
      link: `http://${authorityOf(namesOf(host)[0], actual)}/#token=${guard.token}`,
      port: actual,
      close: async () => {
        server.close();
        if ("closeAllConnections" in server) server.closeAllConnections();
        await clear();
      },
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

const listenError = (error: NodeJS.ErrnoException, host: string, port: number): AifError =>
  new AifError(
    "resource",
    error.code === "EADDRINUSE"
      ? `Port ${port} of ${host} is taken: choose another with --port, or leave it out for a free one.`
      : `The server cannot listen on ${host}:${port}: ${error.message}.`,
  );
