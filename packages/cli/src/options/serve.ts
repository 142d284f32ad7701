import { usageError } from "../errors.js";
import { readInteger } from "./numbers.js";
import { flag, single } from "./rule.js";

function readPort(given: string, option: string): number {
  const port = readInteger(given, option, 0);
  if (port <= 65_535) return port;
  throw usageError(`${option} ${given} is no port: use 1 to 65535, or 0 for a free one.`);
}

function readHost(given: string, option: string): string {
  if (/^[\w.:-]+$/.test(given)) return given;
  throw usageError(`${option} takes a host name or an address, not "${given}".`);
}

export const serveOptions = {
  heading: "Server:",
  rules: {
    port: single({ flags: "--port <number>", help: "where it listens", shown: "a free port" }, 0, readPort),
    host: single(
      {
        flags: "--host <address>",
        help: "listen there: any other than 127.0.0.1 lets whoever has the link and reaches this machine see your data, unencrypted",
        shown: "127.0.0.1, this machine only",
      },
      "127.0.0.1",
      readHost,
    ),
    open: flag({ flags: "--no-open", help: "do not open the browser" }, true),
  },
};
