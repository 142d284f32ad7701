import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { endianness } from "node:os";
import { crc32 } from "node:zlib";
import { AifError } from "../../errors.js";
import { type BlockColumn, blockBytes, type CellKind, layOut, readBlock, setChecksum } from "./cache-block.js";

/** Where the blocks of a cache are, and whose rows they hold. Plain data. */
export interface BlockIndex {
  /** Bytes before each block, and behind the last. */
  readonly offsets: readonly number[];
  readonly rows: readonly number[];
  /** Place of each block's file, and rows of that file before the block. */
  readonly files: readonly number[];
  readonly before: readonly number[];
}

const FILE_MAGIC = "AIFROWS\u0001";

const cannotWrite = (path: string, cause: unknown): AifError => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown cause";
  const why =
    code === "ENOSPC" || code === "EDQUOT"
      ? "the disk is full; free some space, or choose another folder with --cache"
      : code === "EACCES" || code === "EPERM" || code === "EROFS"
        ? "there is no permission to write there; choose another folder with --cache"
        : `the system says ${code}; choose another folder with --cache`;
  return new AifError("resource", `The cache ${path} cannot be written: ${why}.`, { cause });
};

/** Writes blocks of rows one behind the other. @throws resource: the disk is full, or may not be written to */
export class CacheWriter {
  private readonly file: number;
  /** What tells this file from another that takes its name later. */
  readonly identity: number;
  private readonly offsets: number[] = [];
  private readonly rows: number[] = [];
  private readonly files: number[] = [];
  private readonly before: number[] = [];
  private buffer = new Uint8Array(new ArrayBuffer(0));
  /** Bytes written so far. */
  size = 0;

  constructor(readonly path: string) {
    if (endianness() !== "LE") {
      throw new AifError("resource", "The cache needs a machine that stores numbers with the lowest byte first.");
    }
    try {
      this.file = openSync(path, "w+", 0o600);
      this.identity = fstatSync(this.file).ino;
    } catch (cause) {
      throw cannotWrite(path, cause);
    }
    this.put(Buffer.from(FILE_MAGIC, "latin1"), 0);
    this.size = FILE_MAGIC.length;
  }

  /** Adds a block whose columns `fill` writes. */
  add(
    rows: number,
    kinds: readonly CellKind[],
    place: { readonly file: number; readonly before: number },
    fill: (columns: readonly BlockColumn[]) => void,
  ): void {
    const length = blockBytes(rows, kinds);
    if (this.buffer.length < length) this.buffer = new Uint8Array(new ArrayBuffer(length));
    const bytes = this.buffer.subarray(0, length);
    fill(layOut(bytes, rows, kinds, place));
    setChecksum(bytes, crc32(bytes.subarray(8)));
    this.put(bytes, this.size);
    this.offsets.push(this.size);
    this.rows.push(rows);
    this.files.push(place.file);
    this.before.push(place.before);
    this.size += length;
  }

  /** Blocks so far. */
  get count(): number {
    return this.rows.length;
  }

  /** Forgets every block from the given one on. */
  goBackTo(count: number): void {
    if (count >= this.count) return;
    this.size = this.offsets[count];
    for (const list of [this.offsets, this.rows, this.files, this.before]) list.length = count;
    ftruncateSync(this.file, this.size);
  }

  /** Where the blocks are that were written. */
  get index(): BlockIndex {
    return { offsets: [...this.offsets, this.size], rows: this.rows, files: this.files, before: this.before };
  }

  /** The open file, for readers to go on with; whoever takes it closes it. */
  get handle(): number {
    return this.file;
  }

  close(): void {
    closeSync(this.file);
  }

  private put(bytes: Uint8Array, position: number): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.file, bytes, at, bytes.length - at, position + at);
    } catch (cause) {
      throw cannotWrite(this.path, cause);
    }
  }
}

/** Reads blocks back, each into the same room, and checks each against its checksum. */
export class CacheReader {
  private readonly buffer: Uint8Array<ArrayBuffer>;

  /**
   * @param rowsOf says which rows a block holds: "data rows 1 to 2621 of part-1.csv"
   * @param file open, for others too; it may have no name any more
   */
  constructor(
    readonly path: string,
    readonly index: BlockIndex,
    private readonly rowsOf: (block: number) => string,
    private readonly file: number,
  ) {
    const { offsets } = index;
    const largest = offsets.slice(1).reduce((most, end, k) => Math.max(most, end - offsets[k]), 0);
    this.buffer = new Uint8Array(new ArrayBuffer(largest));
  }

  /** The columns of a block, valid until the next one is read. @throws resource: it is not what was written */
  block(k: number): readonly BlockColumn[] {
    const { offsets, rows, files, before } = this.index;
    const bytes = this.buffer.subarray(0, offsets[k + 1] - offsets[k]);
    this.fill(bytes, offsets[k], k);
    const found = readBlock(bytes);
    const header = found?.header;
    const matches =
      header !== undefined &&
      header.checksum === crc32(bytes.subarray(8)) &&
      header.rows === rows[k] &&
      header.file === files[k] &&
      header.before === before[k];
    if (found === null || !matches) throw this.damaged(k, "does not match its checksum");
    return found.columns;
  }

  private fill(bytes: Uint8Array, position: number, k: number): void {
    try {
      for (let at = 0; at < bytes.length; ) {
        const read = readSync(this.file, bytes, at, bytes.length - at, position + at);
        if (read === 0) throw this.damaged(k, "is cut off");
        at += read;
      }
    } catch (cause) {
      throw cause instanceof AifError ? cause : this.unreadable(cause);
    }
  }

  private damaged(k: number, how: string): AifError {
    return new AifError(
      "resource",
      `Block ${k + 1} of the cache ${this.path} (${this.rowsOf(k)}) ${how}: the disk or another program changed it; remove the cache and run again.`,
    );
  }

  private unreadable(cause: unknown): AifError {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown cause";
    return new AifError(
      "resource",
      `The cache ${this.path} cannot be read (${code}): it must stay in place until the end; run again.`,
      { cause },
    );
  }
}
