import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { idxMatrix, readIdx } from "../../src/data/idx.js";
import { readTable } from "../../src/data/read.js";
import { expectFailure, plain, real, temporaryFolder } from "./helpers.js";

const header = (type: number, ...shape: number[]): number[] => [
  0,
  0,
  type,
  shape.length,
  ...shape.flatMap((side) => [side >>> 24, (side >>> 16) & 255, (side >>> 8) & 255, side & 255]),
];
const file = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const images = file(...header(8, 3, 2, 2), ...Array.from({ length: 12 }, (_, k) => 255 - k));

describe("IDX files", () => {
  test("plain and gzipped: shape and bytes", async () => {
    for (const bytes of [images, gzipSync(images)]) {
      const array = await readIdx(bytes);
      expect(array.shape).toEqual([3, 2, 2]);
      expect([...array.data]).toEqual(Array.from({ length: 12 }, (_, k) => 255 - k));
    }
  });

  test("images as rows, all or some", async () => {
    const array = await readIdx(images);
    expect(idxMatrix(array).row(1)).toEqual(Float64Array.of(251, 250, 249, 248));
    const some = idxMatrix(array, 1, 3);
    expect([some.rows, some.columns, some.data[0]]).toEqual([2, 4, 251]);
    expect(idxMatrix(await readIdx(file(...header(8, 2), 7, 9))).data).toEqual(Float64Array.of(7, 9));
  });

  test("a file larger than one chunk", async () => {
    const large = Uint8Array.from([...header(8, 300, 400), ...Array.from({ length: 120_000 }, (_, k) => k % 251)]);
    const { data } = await readIdx(gzipSync(large));
    expect(data.every((value, k) => value === k % 251)).toBe(true);
  });

  test.each<[Uint8Array, string]>([
    [file(), "t is no IDX file; it must begin with two zeros, a type and a number of dimensions."],
    [file(1, 2, 3, 4), "t is no IDX file; it must begin with two zeros, a type and a number of dimensions."],
    [
      file(...header(0x0d, 1), 0, 0, 0, 0),
      "t holds float; only IDX files of unsigned bytes (images, labels) can be read.",
    ],
    [file(...header(8)), "t has 0 dimensions; IDX files of 1 to 4 can be read."],
    [file(...header(8, 1, 1, 1, 1, 1), 0), "t has 5 dimensions; IDX files of 1 to 4 can be read."],
    [file(...header(8, 3, 2).slice(0, 9)), "t is cut off in its header; copy or download it again."],
    [file(...header(8, 0, 5)), "t is empty: its shape is [0, 5]."],
    [images.subarray(0, 20), "t is cut off: its shape needs 12 bytes, found 4; copy it again."],
    [file(...images, 1), "t has more bytes than the 12 of its shape; copy it again."],
    [
      file(...header(8, 0xffffffff, 0xffffffff)),
      "t claims the shape [4294967295, 4294967295], 18446744065119617025 bytes; at most 2 GiB can be read.",
    ],
    [gzipSync(images).subarray(0, 20), "t is a damaged or cut off gzip file; copy or download it again."],
  ])("refusals, case %#", async (bytes, message) => {
    await expectFailure(
      () => readIdx(bytes, "t"),
      "input",
      new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`),
    );
  });

  test("a gzip file that unpacks to more than its header says is not unpacked to its end", async () => {
    let state = 1;
    const noise = Uint8Array.from(
      { length: 100_000 },
      () => (state = Math.imul(state, 1_664_525) + 1_013_904_223) >>> 24,
    );
    noise.set(header(8, 5));
    const cutOff = gzipSync(noise).subarray(0, 90_000); // whose damage is never seen
    await expectFailure(
      () => readIdx(cutOff, "t"),
      "input",
      /^t has more bytes than the 5 of its shape; copy it again\.$/,
    );
  });

  test.skipIf(!existsSync(real("mnist")))("MNIST (shared/data/mnist): the sums that its README states", async () => {
    const array = await readIdx(readFileSync(real("mnist/t10k-images-idx3-ubyte.gz")));
    expect(array.shape).toEqual([10_000, 28, 28]);
    expect(array.data.reduce((sum, value) => sum + value, 0)).toBe(264_923_200);
    const { data } = await readIdx(readFileSync(real("mnist/t10k-labels-idx1-ubyte.gz")));
    const counts = Array<number>(10).fill(0);
    for (const digit of data) counts[digit]++;
    expect(counts).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  });
});

describe("pictures in IDX files as a table", () => {
  const folder = temporaryFolder();
  const labels = file(...header(8, 3), 7, 0, 7);

  test("pixels as columns, with the labels of the file beside them, packed or not", async () => {
    const path = await folder.write("train-images-idx3-ubyte.gz", gzipSync(images));
    await folder.write("train-labels-idx1-ubyte", labels);
    const table = await readTable(path);
    expect(plain(table)).toEqual([
      ["x1", "numeric", [255, 251, 247]],
      ["x2", "numeric", [254, 250, 246]],
      ["x3", "numeric", [253, 249, 245]],
      ["x4", "numeric", [252, 248, 244]],
      ["label", "numeric", [7, 0, 7]],
    ]);
    await folder.write("few.images.idx3.ubyte", images);
    await folder.write("few.labels.idx1.ubyte.gz", gzipSync(labels));
    const both = await readTable(folder.path("{few.images,train-images}*"), { columns: ["label", "x4"] });
    expect(plain(both)).toEqual([
      ["x4", "numeric", [252, 248, 244, 252, 248, 244]],
      ["label", "numeric", [7, 0, 7, 7, 0, 7]],
    ]);
  });

  test("refusals", async () => {
    const alone = await folder.write("alone-images-idx3-ubyte", images);
    await expectFailure(
      () => readTable(alone),
      "input",
      /pictures without labels; .*"alone-labels-idx1-ubyte", which is not there/,
    );
    await expectFailure(
      () => readTable(images, { name: "t" }),
      "input",
      /^t holds pictures without labels; name the two files/,
    );
    await folder.write("other-images-idx3-ubyte", images);
    const other = await folder.write("other-labels-idx1-ubyte", file(...header(8, 2), 1, 2));
    await expectFailure(() => readTable(other), "input", /holds labels; give the file of their pictures/);
    await expectFailure(
      () => readTable(folder.path("other-images-idx3-ubyte")),
      "input",
      /other-labels-idx1-ubyte has the shape \[2\], but .*other-images-idx3-ubyte has 3 pictures; these files do not belong/,
    );
    await expectFailure(
      () => readTable(file(...header(0x0d, 1), 0, 0, 0, 0), { name: "t" }),
      "input",
      /^t holds float; only/,
    );
  });
});
