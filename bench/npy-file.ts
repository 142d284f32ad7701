import { closeSync, openSync, writeSync } from "node:fs";
import { generatedRows } from "./generated-rows.js";

/** A float64 .npy file of m uniform features and, as its last column, a target of the model, made a block at a time. */
export function writeNpy(file: string, rows: number, columns: number, model: "linear" | "logistic"): void {
  const width = columns + 1;
  const out = openSync(file, "w");
  try {
    writeSync(out, headerOf(rows, width));
    for (const { x, y } of generatedRows(rows, columns, model, 1).blocks()) {
      const cells = new Float64Array(x.rows * width);
      for (let i = 0; i < x.rows; i++) {
        cells.set(x.row(i), i * width);
        cells[i * width + columns] = y[i];
      }
      writeSync(out, new Uint8Array(cells.buffer));
    }
  } finally {
    closeSync(out);
  }
}

/** Version 1.0: magic, version, length of what follows, a Python dictionary padded to a multiple of 64 bytes. */
function headerOf(rows: number, columns: number): Uint8Array {
  const before = 10;
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const length = Math.ceil((before + text.length + 1) / 64) * 64 - before;
  const bytes = new Uint8Array(before + length).fill(0x20);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, length % 256, length >> 8]);
  bytes.set(new TextEncoder().encode(text), before);
  bytes[before + length - 1] = 0x0a;
  return bytes;
}
