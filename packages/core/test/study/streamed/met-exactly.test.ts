import { expect, test } from "vitest";
import { analyze } from "../../../src/index.js";
import { Random } from "../../models/naive.js";
import { numeric, settings, table } from "../tables.js";
import { SAID_OF_PASSING, streamed } from "./agreement.js";

test.each(["linear", "quadratic"] as const)(
  "rows that a %s model meets exactly are flagged as in memory",
  async (model) => {
    const random = new Random(6);
    const [a, b] = [0, 1].map(() => Array.from({ length: 2400 }, () => random.normal()));
    const price = a.map((value, i) => 3 + 2 * value - b[i] + (model === "quadratic" ? 0.5 * value * b[i] : 0));
    const data = table([numeric("a", a), numeric("b", b), numeric("price", price)]);
    const asked = { model, evaluation: { kind: "training" } } as const;
    const { result } = await analyze({ table: data, settings: settings(asked) });
    expect(result.flags.map(({ code }) => code)).toContain("zero-gradient");
    for (const found of await streamed(data, asked, { bounds: [0.3], rowsPerBlock: 500 })) {
      expect(found.threats[0].influence).toEqual(result.threats[0].influence);
      expect(found.flags.filter(({ code }) => !SAID_OF_PASSING.has(code))).toEqual(result.flags);
    }
  },
);
