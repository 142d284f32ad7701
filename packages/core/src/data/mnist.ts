import { inputError } from "../errors.js";
import type { Digits } from "./drawn-digits.js";
import { idxMatrix, readIdx } from "./idx.js";

/**
 * Digits of two IDX files, plain or gzipped: images (n×28×28 bytes) and labels (n).
 * @throws input: files that are no IDX files, cut off, or do not belong together
 */
export async function readDigits(
  images: { readonly bytes: Uint8Array; readonly name: string },
  labels: { readonly bytes: Uint8Array; readonly name: string },
): Promise<Digits> {
  const pictures = await readIdx(images.bytes, images.name);
  const classes = await readIdx(labels.bytes, labels.name);
  const [count, height, width] = pictures.shape;
  if (pictures.shape.length !== 3 || height !== 28 || width !== 28) {
    throw inputError(
      `${images.name} has the shape [${pictures.shape.join(", ")}]; pictures of digits are n × 28 × 28.`,
    );
  }
  if (classes.shape.length !== 1 || classes.shape[0] !== count) {
    throw inputError(
      `${labels.name} has the shape [${classes.shape.join(", ")}], but ${images.name} has ${count} pictures: these files do not belong together.`,
    );
  }
  const bad = classes.data.findIndex((label) => label > 9);
  if (bad >= 0) throw inputError(`${labels.name} says ${classes.data[bad]} of picture ${bad}; digits are 0 to 9.`);
  const pixels = idxMatrix(pictures);
  for (let at = 0; at < pixels.data.length; at++) pixels.data[at] /= 255;
  return { pixels, labels: Float64Array.from(classes.data) };
}
