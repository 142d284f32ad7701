import { describe, expect, test } from "vitest";
import { encode } from "../../src/data/encode-table.js";
import type { EncodedDataset } from "../../src/data/encoded-dataset.js";
import type { EncodeOptions } from "../../src/data/encoding.js";
import { expectFailure, read } from "./helpers.js";

const encoded = async (text: string, options: EncodeOptions): Promise<EncodedDataset> =>
  encode(await read(text), options);

describe("columns with a part of their own", () => {
  const text = "a,b,w,t\n1,x,1,1\n2,y,2,2\n4,y,1,3\n3,x,2,7\n";
  const clashes: readonly (readonly [string, Partial<EncodeOptions>, RegExp])[] = [
    ["target and clusters", { cluster: "t" }, /"t" cannot be both the target and the cluster column/],
    ["target and groups", { by: "t" }, /"t" cannot be both the target and the column to group by/],
    ["target and splits", { splitBy: "t" }, /"t" cannot be both the target and the column to split by/],
    ["weights and clusters", { weights: "w", cluster: "w" }, /"w" cannot be both the weights and the cluster column/],
    ["weights and groups", { weights: "w", by: "#3" }, /"w" cannot be both the weights and the column to group by/],
  ];
  test.each(clashes)("%s clash", (_, options, message) =>
    expectFailure(() => encoded(text, { target: "t", ...options }), "usage", message),
  );

  const absent: readonly (readonly [string, Partial<EncodeOptions>, RegExp])[] = [
    ["cluster", { cluster: "aa" }, /has no cluster column "aa"\. Its columns/],
    ["by", { by: "aa" }, /has no column to group by "aa"\. Its columns/],
    ["by position", { by: "#5" }, /has 4 columns, so there is no column to group by #5; count from #1/],
    ["cluster position", { cluster: "#0" }, /there is no cluster column #0/],
  ];
  test.each(absent)("%s is not there", (_, options, message) =>
    expectFailure(() => encoded(text, { target: "t", ...options }), "input", message),
  );

  test("are given by position as well", async () => {
    const data = await encoded(text, { target: "#4", weights: "#3", cluster: "#2", by: "#2", splitBy: "#2" });
    expect(data.features).toEqual(["a"]);
    expect([data.encoding.weights, data.encoding.cluster, data.encoding.splitBy]).toEqual(["w", "b", "b"]);
    expect([...(data.by?.of ?? [])]).toEqual([0, 1, 1, 0]);
    expect((await encoded(text, { target: "t", exclude: ["#2"] })).features).toEqual(["a", "w"]);
    const ids = `id,b,t\n${Array.from({ length: 40 }, (_, i) => `${i},${i % 4},${i * i}`).join("\n")}\n`;
    expect((await encoded(ids, { target: "t", keep: ["#1"] })).features).toEqual(["id", "b"]);
  });

  test("a target must be given", async () => {
    const table = await read(text);
    for (const options of ["{}", "null", '{"target":3}']) {
      await expectFailure(() => encode(table, JSON.parse(options)), "usage", /No target is given; name the column/);
    }
  });
});
