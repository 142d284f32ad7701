import { expect, test } from "vitest";
import { analyze, compare, DEFAULT_SETTINGS } from "../../src/index.js";
import { Random } from "../models/naive.js";
import { numeric, table } from "./tables.js";

const random = new Random(9);
const centimetres = Array.from({ length: 300 }, () => 170 + 10 * random.normal());
const weight = Array.from({ length: 300 }, () => random.normal());
const y = centimetres.map((length, i) => 0.3 * length + weight[i] + random.normal());

/** The same lengths in two units, written with so many decimals. */
const measured = (decimals: number) =>
  table([
    numeric("cm", centimetres),
    numeric(
      "inches",
      centimetres.map((length) => Number((length / 2.54).toFixed(decimals))),
    ),
    numeric("weight", weight),
    numeric("y", y),
  ]);

const settings = { ...DEFAULT_SETTINGS, target: "y", evaluation: { kind: "training" }, exact: false } as const;

test.each([
  [2, []],
  [4, ["ill-conditioned"]],
  [6, ["rank-deficient"]],
])("a length in two units, rounded to %i decimals: %j", async (decimals, codes) => {
  const { result } = await analyze({ table: measured(decimals), settings });
  const found = result.flags.filter(({ code }) => code === "ill-conditioned" || code === "rank-deficient");
  expect(found.map(({ code, level }) => [code, level])).toEqual(codes.map((code) => [code, "warning"]));
  if (decimals !== 4) return;
  expect(found[0].message).toMatch(
    /^The Hessian is nearly singular, its condition number about \de\+(10|11) with columns scaled alike: shifts and S hold to about [45] digits; the rows hardly tell "cm", "inches" apart\.$/,
  );
});

test("a comparison says which of its models it is", async () => {
  const { models, flags } = await compare({
    table: measured(4),
    settings: { ...settings, epsilons: [0.001] },
    family: { models: ["linear"], features: [], l2: [0, 0.01], seeds: 1 },
  });
  const found = flags.filter(({ code }) => code === "ill-conditioned");
  expect(models).toHaveLength(2);
  expect(found).toHaveLength(1);
  expect(found[0].message).toContain(`${models[0].name}: The Hessian is nearly singular`);
});
