import { networkInterfaces } from "node:os";

/** The same machine, and nobody else. */
const LOOPBACK = new Set(["127.0.0.1", "localhost", "::1"]);
/** All addresses of the machine. */
const ANY = new Set(["0.0.0.0", "::"]);

export const isLoopback = (host: string): boolean => LOOPBACK.has(host);

/** What a request may call the server that listens there, the first as links do; other names could be made to lead here. */
export function namesOf(host: string): string[] {
  if (host === "127.0.0.1" || host === "localhost") return ["127.0.0.1", "localhost"];
  if (!ANY.has(host)) return [inUrl(host)];
  const found = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outer = found.filter(({ internal }) => !internal).map(({ address }) => inUrl(address));
  return [...outer, "127.0.0.1", "localhost", "[::1]"];
}

/** As browsers write it in Host and Origin: the port of http goes without saying. */
export const authorityOf = (name: string, port: number): string => (port === 80 ? name : `${name}:${port}`);

/** An IPv6 address stands in brackets. */
const inUrl = (host: string): string => (host.includes(":") ? `[${host}]` : host);
