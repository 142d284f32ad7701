import { describe, expect, test } from "vitest";
import { drawnDigits } from "../../src/data/drawn-digits.js";
import { readDigits } from "../../src/data/mnist.js";
import { digitsOf, figure2b } from "../../src/experiments/figure2b.js";
import { runExperiment } from "../../src/index.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";

/** An IDX file of bytes. */
const idx = (shape: readonly number[], bytes: ArrayLike<number>): Uint8Array => {
  const head = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  head.setUint8(2, 8);
  head.setUint8(3, shape.length);
  shape.forEach((side, k) => head.setUint32(4 + 4 * k, side));
  return Uint8Array.from([...new Uint8Array(head.buffer), ...Array.from(bytes)]);
};
const images = (bytes: Uint8Array) => ({ bytes, name: "images" });
const labels = (bytes: Uint8Array) => ({ bytes, name: "labels" });

describe("digits", () => {
  test("drawn ones are all ten, within 0 and 1, no two alike, the same for the same seed", () => {
    const { pixels, labels: shown } = drawnDigits(200, randomStream(1));
    expect(new Set(shown).size).toBe(10);
    expect(pixels.data.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(new Set(Array.from({ length: 200 }, (_, i) => pixels.row(i).join())).size).toBe(200);
    for (let i = 0; i < 200; i++) {
      const inked = pixels.row(i).reduce((sum, value) => sum + value, 0);
      expect(inked).toBeGreaterThan(25);
      expect(inked).toBeLessThan(250);
    }
    expect(drawnDigits(200, randomStream(1)).pixels.data).toEqual(pixels.data);
  });

  test("of a set are drawn without repeating any", () => {
    const set = drawnDigits(30, randomStream(2));
    const { pixels } = digitsOf("a set", set).draw(30, randomStream(3));
    expect(new Set(Array.from({ length: 30 }, (_, i) => pixels.row(i).join())).size).toBe(30);
  });

  test("of IDX files are read, and damaged files refused in one sentence", async () => {
    const picture = Array.from({ length: 2 * 784 }, (_, at) => at % 256);
    const { pixels, labels: shown } = await readDigits(images(idx([2, 28, 28], picture)), labels(idx([2], [3, 9])));
    expect(pixels.data[255]).toBe(1);
    expect([...shown]).toEqual([3, 9]);
    const short = idx([2, 28, 28], picture).subarray(0, 900);
    await expect(readDigits(images(short), labels(idx([2], [3, 9])))).rejects.toThrow(/images is cut off/);
    await expect(readDigits(images(idx([2, 28, 28], picture)), labels(idx([3], [3, 9, 1])))).rejects.toThrow(
      /do not belong together/,
    );
    await expect(readDigits(images(idx([2, 14, 56], picture)), labels(idx([2], [3, 9])))).rejects.toThrow(
      /n × 28 × 28/,
    );
    await expect(readDigits(images(idx([2, 28, 28], picture)), labels(idx([2], [3, 10])))).rejects.toThrow(
      /digits are 0 to 9/,
    );
    await expect(readDigits(images(Uint8Array.of(1, 2, 3, 4, 5)), labels(idx([2], [3, 9])))).rejects.toThrow(
      /no IDX file/,
    );
  });
});

test.runIf(drawsOf(0, 1) === 1)(
  "figure 2(b): errors vanish linearly, the printed one does not",
  async () => {
    const run = await runExperiment(figure2b, { repetitions: 2 });
    const holds = new Map(run.verdicts.map(({ claim, holds: held }) => [claim, held]));
    expect(holds.get("ΔI vanishes with ε, attack on the sphere")).toBe(true);
    expect(holds.get("ΔI vanishes with ε, attack in the whole space")).toBe(true);
    expect(holds.get("ΔS with the ½ vanishes with ε, whole space")).toBe(true);
    expect(holds.get("ΔS as printed vanishes with ε, whole space")).toBe(false);
    const { mean } = run.summary.columns["printed.ball"];
    expect(mean[0]).toBeCloseTo(0.5, 2);
  },
  600_000,
);
