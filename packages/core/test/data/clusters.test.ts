import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyEncoding } from "../../src/data/apply-encoding.js";
import { joinedGroups } from "../../src/data/clusters.js";
import { fitEncoding } from "../../src/data/encode.js";
import { encode } from "../../src/data/encode-table.js";
import type { EncodedDataset } from "../../src/data/encoded-dataset.js";
import type { EncodeOptions } from "../../src/data/encoding.js";
import { assignFolds } from "../../src/data/splits.js";
import { expectFailure, read } from "./helpers.js";

const encoded = async (text: string, options: EncodeOptions): Promise<EncodedDataset> =>
  encode(await read(text), options);

const list = (codes: Int32Array | undefined): number[] => [...(codes ?? [])];

describe("clusters", () => {
  const text = "a,g,s,t\n1,p,u,1\n2,q,u,2\n4,p,v,5\n8,r,v,7\n";

  test("are no feature and, alone, what splits keep whole", async () => {
    const data = await encoded(text, { target: "t", cluster: "g", exclude: ["s"] });
    expect(data.features).toEqual(["a"]);
    expect(data.encoding.cluster).toBe("g");
    expect(list(data.clusters)).toEqual([0, 1, 0, 2]);
    expect(list(data.groups)).toEqual([0, 1, 0, 2]);
    const split = await encoded(text, { target: "t", splitBy: "g", exclude: ["s"] });
    expect([list(split.groups), split.clusters]).toEqual([list(data.groups), undefined]);
  });

  test("and groups to split by are joined where they overlap", async () => {
    const data = await encoded(`${text}16,x,w,6\n`, { target: "t", cluster: "g", splitBy: "s" });
    expect(data.features).toEqual(["a"]);
    expect(list(data.clusters)).toEqual([0, 1, 0, 2, 3]);
    expect(list(data.groups)).toEqual([0, 0, 0, 0, 2]); // p lies in u and in v
    const same = await encoded(text, { target: "t", cluster: "g", splitBy: "g", by: "g" });
    expect([list(same.groups), same.features]).toEqual([
      [0, 1, 0, 2],
      ["a", "s=v"],
    ]);
  });

  test("may be numbers, follow the rows that are used, and a selection", async () => {
    const data = await encoded("a,g,w,t\n1,30,1,1\n2,,0,2\n4,10,1,5\n8,30,1,7\n", {
      target: "t",
      cluster: "g",
      weights: "w",
    });
    expect(list(data.clusters)).toEqual([0, 1, 0]);
    const part = data.select(Int32Array.of(2, 1));
    expect([list(part.clusters), list(part.groups)]).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  test("must be known", async () => {
    await expectFailure(
      () => encoded("a,g,t\n1,p,1\n2,,2\n4,p,5\n8,,7\n", { target: "t", cluster: "g", missing: "mean" }),
      "input",
      /cluster column "g" is missing in 2 rows \(data row 2, data row 4\); fill/,
    );
    const many = Array.from({ length: 9 }, (_, i) => `${i},${i === 0 ? "p" : ""},${i * i}`).join("\n");
    await expectFailure(
      () => encoded(`a,g,t\n${many}\n`, { target: "t", cluster: "g" }),
      "input",
      /in 8 rows \(data row 2, data row 3, data row 4, data row 5, data row 6 and more\)/,
    );
  });

  test("may be absent from a later file", async () => {
    const encoding = fitEncoding(await read(text), { target: "t", cluster: "g", splitBy: "s" });
    const later = applyEncoding(await read("a,t\n1,2\n"), encoding, { role: "evaluation" });
    expect([later.clusters, later.groups]).toEqual([undefined, undefined]);
    const half = applyEncoding(await read("a,g,t\n1,p,2\n"), encoding, { role: "evaluation" });
    expect([list(half.clusters), list(half.groups)]).toEqual([[0], [0]]);
  });

  test("joined groups are the connected components", () => {
    const partitions = fc.array(fc.tuple(fc.integer({ min: -1, max: 12 }), fc.nat({ max: 12 })), {
      minLength: 1,
      maxLength: 25,
    });
    fc.assert(
      fc.property(partitions, (pairs) => {
        const [groups, clusters] = [0, 1].map((k) => Int32Array.from(pairs, (pair) => pair[k]));
        const wanted = [...groups]; // the least code that reaches a row, passed on until nothing changes
        for (let changed = true; changed; ) {
          changed = false;
          pairs.forEach(([g, c], i) => {
            pairs.forEach(([h, d], j) => {
              if ((g === h || c === d) && wanted[j] < wanted[i]) {
                wanted[i] = wanted[j];
                changed = true;
              }
            });
          });
        }
        expect([...joinedGroups(groups, clusters)]).toEqual(wanted);
      }),
    );
  });

  test("stay whole in folds, whatever else rows are split by", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -1, max: 40 }), fc.nat({ max: 60 })), { minLength: 80, maxLength: 120 }),
        (pairs) => {
          const [splits, clusters] = [0, 1].map((k) => Int32Array.from(pairs, (pair) => pair[k]));
          const groups = joinedGroups(splits, clusters);
          fc.pre(new Set(groups).size >= 2);
          const folds = assignFolds(pairs.length, 2, 1, { groups });
          for (const codes of [splits, clusters])
            expect(new Set(codes).size).toBe(new Set(codes.map((code, i) => code * 2 + folds[i])).size);
        },
      ),
    );
  });
});
