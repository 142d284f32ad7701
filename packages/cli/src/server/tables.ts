import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { usageError } from "../errors.js";
import { clean } from "../render/clean.js";
import { LIMITS } from "./limits.js";
import { describeInChild, type TableDescription } from "./table-description.js";

/** A table that analyses can be asked of. */
export interface ServedTable extends TableDescription {
  readonly id: string;
  /** As people know it. */
  readonly name: string;
}

/** Where a table lies: work is done in its folder, so that results call it by its name. */
export interface TablePlace {
  readonly folder: string;
  readonly file: string;
}

interface Stored extends ServedTable, TablePlace {
  readonly uploaded: boolean;
}

/** Endings by which the reader tells formats apart. */
const ENDING = /(\.(?:csv|tsv|txt|data|jsonl|ndjson|json|parquet|pq|npy|npz)(?:\.gz)?)$/i;

/** The tables of one run of the server: the one on the command line, and uploads in a folder of their own. */
export class Tables {
  private readonly stored = new Map<string, Stored>();
  private made = 0;

  constructor(private readonly folder: string) {}

  list(): ServedTable[] {
    return [...this.stored.values()].map(publicPart);
  }

  /** @throws usage: no such table. */
  placeOf(id: string): TablePlace {
    const table = this.stored.get(id);
    if (!table) throw usageError("This table is not here any more: drop the file again.");
    return table;
  }

  /** A file that the user of the terminal named. @throws as the reader does */
  async open(path: string): Promise<ServedTable> {
    return this.keep({ folder: resolve(dirname(path)), file: basename(path) }, basename(path), false);
  }

  /** A file as it arrives, up to the limit. @throws usage: too large. input: no table. */
  async receive(name: string, body: ReadableStream<Uint8Array> | null, announced: number | null): Promise<ServedTable> {
    refuseLarge(announced ?? 0);
    if (body === null) throw usageError("Nothing was sent: drop a file.");
    const folder = join(this.folder, `upload-${++this.made}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = safeName(name);
    try {
      await pipeline(Readable.fromWeb(body), counted(), createWriteStream(join(folder, file), { mode: 0o600 }));
      return await this.keep({ folder, file }, clean(name).slice(-200), true);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    const table = this.stored.get(id);
    this.stored.delete(id);
    if (table?.uploaded) await rm(table.folder, { recursive: true, force: true });
  }

  private async keep(place: TablePlace, name: string, uploaded: boolean): Promise<ServedTable> {
    const described = await describeInChild(place);
    const id = `t${this.stored.size}-${++this.made}`;
    const table: Stored = { ...described, ...place, id, name, uploaded };
    this.stored.set(id, table);
    const oldest = [...this.stored.values()].find((other) => other.uploaded);
    if (this.stored.size > LIMITS.tables && oldest) await this.remove(oldest.id);
    return publicPart(table);
  }
}

const LONGEST_NAME = 80;

/** A file name of letters, digits and dots, whatever was sent: it becomes part of a path, and of the words of a command. */
function safeName(name: string): string {
  const ending = ENDING.exec(name)?.[1] ?? ".csv";
  const stem = name.slice(0, name.length - (ENDING.exec(name)?.[1].length ?? 0));
  const plain = stem
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}_-]+/gu, "_")
    .replace(/^[-_]+/, "");
  return `${Array.from(plain).slice(0, LONGEST_NAME).join("") || "table"}${ending.toLowerCase()}`;
}

const publicPart = ({ id, name, rows, columns }: Stored): ServedTable => ({ id, name, rows, columns });

function refuseLarge(bytes: number): void {
  if (bytes <= LIMITS.uploadBytes) return;
  throw usageError(
    `The file has more than ${LIMITS.uploadBytes / 2 ** 30} GB, which is too much for the page: start the server on it, aif serve FILE, or use aif analyze.`,
  );
}

function counted(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      try {
        refuseLarge(bytes);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
