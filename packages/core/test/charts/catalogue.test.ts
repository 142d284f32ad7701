/** Charts as data: names from data are never words of the renderer, every colour has a dark counterpart, and lines lead out of the frame. */
import { expect, test } from "vitest";
import { chartsOf } from "../../src/charts/catalogue.js";
import { broken, nearby } from "../../src/charts/figure.js";
import { brief, distinct, keyOf, labelsOf } from "../../src/charts/names.js";
import { type ChartSpec, COLOURS, onDarkPaper } from "../../src/charts/theme.js";
import { analyze } from "../../src/index.js";
import { houses, settings } from "../study/tables.js";

const { result } = await analyze({ table: houses(), settings: settings({ norms: [1, Number.POSITIVE_INFINITY] }) });
const charts = chartsOf(result);

interface Drawn {
  readonly data?: { readonly values: readonly Readonly<Record<string, unknown>>[] };
  readonly layer: readonly {
    readonly data?: { readonly values: readonly Readonly<Record<string, number | string>>[] };
  }[];
}

test("there is one of each kind for every attack", () => {
  const names = ["sensitivity", "losses", "parameters", "rows"];
  expect(charts.map(({ name, attack }) => `${name} ${attack}`)).toEqual(
    ["1", "inf"].flatMap((attack) => names.map((name) => `${name} ${attack}`)),
  );
});

test("several l1 penalties are one more chart, with every λ in it", async () => {
  const { result: path } = await analyze({ table: houses(), settings: settings({ l1: [300, 30, 3], exact: false }) });
  const lasso = chartsOf(path).at(-1);
  expect(lasso).toMatchObject({ name: "lasso", attack: null });
  if (!lasso) throw new Error("There are charts.");
  const { vconcat } = lasso.draw() as unknown as { vconcat: readonly Drawn[] };
  const [losses, features, costs] = vconcat.map(({ data }) => data?.values ?? []);
  const points = path.lassoPath?.points ?? [];
  const of = (values: typeof losses, series: string) =>
    values.filter((value) => value["series"] === series).map(({ x, y }) => [x, y]);
  expect(of(losses, "held-out rows")).toEqual(points.map(({ l1, heldOutLoss }) => [l1, heldOutLoss]));
  expect(of(losses, "training rows")).toEqual(points.map(({ l1, trainingLoss }) => [l1, trainingLoss]));
  expect(of(features, "selected")).toEqual(points.map(({ l1, selected }) => [l1, selected.length]));
  expect(of(costs, "p = 2")).toEqual(points.map(({ l1, threats }) => [l1, threats[0].cost]));
});

test("the sensitivity chart holds the curve, digit by digit", () => {
  const spec = charts[0].draw({ axes: "log" }) as unknown as Drawn;
  const values = spec.layer.flatMap(({ data }) => data?.values ?? []);
  for (const { epsilon, heldOut, thisData } of result.threats[0].curve) {
    const at = (series: string) =>
      values.filter((value) => value["series"] === series && value["x"] === epsilon).map(({ y }) => y);
    expect(new Set(at("predicted, held-out rows"))).toEqual(new Set([heldOut?.predicted]));
    expect(new Set(at("predicted, training rows"))).toEqual(new Set([thisData.predicted]));
    if (thisData.exact !== null) expect(new Set(at("exact, training rows"))).toEqual(new Set([thisData.exact]));
    const [lower, upper] = heldOut?.interval ?? [];
    expect(values.some(({ x, low, high }) => x === epsilon && low === lower && high === upper)).toBe(true);
  }
});

test("shifts and their intervals are those of the result", () => {
  const threat = result.threats[0];
  const epsilon = threat.verdict?.epsilon ?? 0;
  const { data } = charts[2].draw() as unknown as Drawn;
  const shifts = threat.influence.map((value) => epsilon * value).filter((value) => value !== 0);
  expect(data?.values.map(({ y }) => y)).toEqual(shifts.toSorted((a, b) => Math.abs(b) - Math.abs(a)).slice(0, 20));
});

test("dark paper changes every colour and nothing else", () => {
  const colours = (spec: ChartSpec): string[] => JSON.stringify(spec).match(/#[0-9a-fA-F]{6}\b/g) ?? [];
  const light = new Set(COLOURS.map((colour) => colour.light));
  expect(light.size).toBe(COLOURS.length);
  for (const chart of charts) {
    const before = chart.draw();
    const after = onDarkPaper(before);
    expect(colours(before).every((colour) => light.has(colour))).toBe(true);
    expect(colours(after).some((colour) => light.has(colour))).toBe(false);
    const bare = (spec: ChartSpec): string => JSON.stringify(spec).replaceAll(/#[0-9a-fA-F]{6}\b/g, "");
    expect(bare(after)).toBe(bare(before));
  }
});

test("lines lead to the first point beyond the frame, not farther", () => {
  const points = [0, 1, 2, 5, 9].map((x) => ({ x }));
  expect(nearby(points, 2).map(({ x }) => x)).toEqual([0, 1, 2, 5]);
  expect(nearby(points, 9)).toHaveLength(5);
});

test("names are cut, told apart and never passed on as words", () => {
  expect(brief("a\u0000b\u202ec\u2028", 9)).toBe("a\ufffdbc\ufffd");
  expect(Array.from(brief("🏠".repeat(60), 9))).toHaveLength(9);
  expect(distinct(["same", "same", "other"], 9)).toEqual(["same", "same (2)", "other"]);
  expect(keyOf(3)).toBe("k3");
  expect(labelsOf(["constructor"])).not.toContain('"constructor"');
  expect(broken("one two three", 7)).toEqual(["one two", "three"]);
});
