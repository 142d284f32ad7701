import { existsSync } from "node:fs";
import { join } from "node:path";
import { digitsOf, type Experiment, figure2bOn, readDigits } from "@aif/core";
import { inputError } from "../errors.js";
import { readInputFile } from "../input-file.js";

/** Where MNIST is looked for without --mnist; AIF_MNIST names a folder, which comes first. */
const USUAL_FOLDERS: readonly string[] = ["mnist", join("..", "shared", "data", "mnist")];
const IMAGES = "train-images-idx3-ubyte";
const LABELS = "train-labels-idx1-ubyte";

/** Plain or gzipped. */
const fileIn = (folder: string, name: string): string | null =>
  [name, `${name}.gz`].map((file) => join(folder, file)).find(existsSync) ?? null;

const holdsDigits = (folder: string): boolean => fileIn(folder, IMAGES) !== null && fileIn(folder, LABELS) !== null;

/**
 * Figure 2(b) on MNIST where it is found, else null: then it draws digits of its own.
 * @throws input: --mnist names a folder without the files, or they are damaged
 */
export async function figure2bOnMnist(given: string | null): Promise<Experiment | null> {
  const named = given ?? process.env["AIF_MNIST"] ?? null;
  const folder = named ?? USUAL_FOLDERS.find(holdsDigits) ?? null;
  if (folder === null) return null;
  const [images, labels] = [fileIn(folder, IMAGES), fileIn(folder, LABELS)];
  if (images === null || labels === null) {
    throw inputError(
      `${given === null ? "AIF_MNIST" : "--mnist"} ${folder} lacks ${images === null ? IMAGES : LABELS} (or the same gzipped): fetch it with aif data mnist --out ${folder}.`,
    );
  }
  const digits = await readDigits(
    { bytes: await readInputFile(images), name: images },
    { bytes: await readInputFile(labels), name: labels },
  );
  return figure2bOn(digitsOf(`MNIST (${digits.labels.length} training pictures)`, digits));
}
