import { AifError } from "../errors.js";
import { type ByteSource, joined } from "./source.js";

/** What is read from a server with one request, the first time and later. */
const FIRST_BYTES = 1 << 16;
const LATER_BYTES = 4 << 20;
/** How long a server may take to begin its answer. */
const PATIENCE_MS = 60_000;

export const isUrl = (path: string): boolean => /^https?:\/\//i.test(path);

/** A file on a server, and whether it is still the one that it was. */
export interface RemoteSource extends ByteSource {
  /** Changes when the file does, where the server says so. */
  readonly version: string;
  /** @throws input: the file is gone, or another one */
  check(): Promise<void>;
}

/** What a server says of a file before it is read. */
interface Remote {
  readonly size: number | undefined;
  readonly ranges: boolean;
  readonly version: string;
}

/**
 * A file on a server: read by ranges where the server has them (so that Parquet is read column by column), else from its start. What
 * messages call it holds neither credentials nor a query, which may be secret.
 * @throws input: there is no such file, or no such server
 */
export async function urlSource(url: string): Promise<RemoteSource> {
  const address = parsed(url);
  const name = `${address.origin}${address.pathname}`;
  const first = await probe(address, name);
  const { size, ranges, version } = first;
  const check = async (): Promise<void> => refuseOther(name, first, await probe(address, name));
  if (!ranges || size === undefined) {
    return {
      name,
      version,
      check,
      ...(size === undefined ? {} : { size }),
      stream: () => wholeBody(address, name, first),
    };
  }
  const slice = (start: number, end: number): Promise<Uint8Array> => range(address, name, first, start, end);
  return {
    name,
    size,
    version,
    check,
    slice,
    async *stream() {
      for (let at = 0; at < size; ) {
        const end = Math.min(size, at + (at === 0 ? FIRST_BYTES : LATER_BYTES));
        yield await slice(at, end);
        at = end;
      }
    },
  };
}

function parsed(url: string): URL {
  try {
    return new URL(url);
  } catch (cause) {
    throw new AifError("input", `${url} is no address; write it as https://host/path.`, { cause });
  }
}

/** Asks for the first byte: the answer tells size, version and whether there are ranges. */
async function probe(address: URL, name: string): Promise<Remote> {
  const response = await request(address, name, { range: "bytes=0-0" });
  await response.body?.cancel();
  const { status, headers } = response;
  if (status !== 200 && status !== 206 && status !== 416) throw refusedBy(name, response);
  const total = status === 200 ? headers.get("content-length") : (totalOf(response) ?? null);
  return { size: total === null ? undefined : Number(total), ranges: status !== 200, version: versionOf(response) };
}

/** Of `bytes 0-0/1234`. */
const totalOf = ({ headers }: Response): string | undefined =>
  /\/(\d+)\s*$/.exec(headers.get("content-range") ?? "")?.[1];

const versionOf = ({ headers }: Response): string => headers.get("etag") ?? headers.get("last-modified") ?? "";

async function range(address: URL, name: string, first: Remote, start: number, end: number): Promise<Uint8Array> {
  if (end <= start) return new Uint8Array(0);
  const response = await request(address, name, { range: `bytes=${start}-${end - 1}` });
  if (response.status !== 206) {
    await response.body?.cancel();
    if (response.status === 200 || response.status === 416) throw changed(name);
    throw refusedBy(name, response);
  }
  refuseOther(name, first, { size: Number(totalOf(response)), ranges: true, version: versionOf(response) });
  const bytes = await bytesOf(response, end - start).catch((cause: unknown) => {
    throw broken(name, cause);
  });
  if (bytes.length !== end - start) throw broken(name);
  return bytes;
}

/** As many bytes as were asked for and one more at the most, however many a server sends. */
async function bytesOf(response: Response, wanted: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    chunks.push(next.value);
    length += next.value.length;
    if (length > wanted) {
      await reader?.cancel();
      break;
    }
  }
  return joined(chunks);
}

async function* wholeBody(address: URL, name: string, first: Remote): AsyncGenerator<Uint8Array> {
  const response = await request(address, name, {});
  if (response.status !== 200) {
    await response.body?.cancel();
    throw refusedBy(name, response);
  }
  refuseOther(name, first, { ...first, version: versionOf(response) });
  const reader = response.body?.getReader();
  let length = 0;
  try {
    for (;;) {
      const next = await reader?.read().catch((cause: unknown) => {
        throw broken(name, cause);
      });
      if (next === undefined || next.done) break;
      length += next.value.length;
      yield next.value;
    }
    if (first.size !== undefined && length !== first.size) throw broken(name);
  } finally {
    await reader?.cancel().catch(() => {}); // the rest of a body that nobody wants
  }
}

async function request(address: URL, name: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const url = new URL(address);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = username === "" ? {} : { authorization: `Basic ${btoa(credentials)}` };
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    // Packed on the way, ranges would be of other bytes.
    return await fetch(url.href, {
      headers: { "accept-encoding": "identity", ...authorization, ...headers },
      signal: patience.signal,
    });
  } catch (cause) {
    throw new AifError("input", `${name} cannot be reached (${reasonOf(cause)}); check the address and the network.`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown cause";
  if (error.name === "AbortError") return `no answer within ${PATIENCE_MS / 1000} s`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return "code" in cause ? String(cause.code) : cause.message;
}

function refusedBy(name: string, { status, statusText }: Response): AifError {
  const advice =
    status === 404 || status === 410
      ? "there is no such file; check the address"
      : status === 401 || status === 403
        ? "you may not read it; give an address that you may read, such as a signed one"
        : "try again later, or download the file first";
  return new AifError(
    "input",
    `${name}: the server answers ${status}${statusText === "" ? "" : ` (${statusText})`}: ${advice}.`,
  );
}

function refuseOther(name: string, before: Remote, now: Remote): void {
  if (before.size !== now.size || before.version !== now.version) throw changed(name);
}

const changed = (name: string): AifError =>
  new AifError("input", `${name} changed while it was read; run again once nobody writes to it.`);

const broken = (name: string, cause?: unknown): AifError =>
  new AifError("input", `${name}: the connection broke off before the end; run again, or download the file first.`, {
    cause,
  });
