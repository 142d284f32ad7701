/** Chart specifications as data; that they can be drawn is tested where there is a renderer. */
import { expect, test } from "vitest";
import { type Panel, stackedPanels } from "../../src/charts/panels.js";
import { PALETTE } from "../../src/charts/theme.js";

const panel = (y: readonly number[], standardErrors: readonly number[] | null, x = [0.01, 0.1, 1]): Panel => ({
  title: "A panel",
  x: { title: "x (m)", values: x },
  yTitle: "y (s)",
  rule: null,
  series: [{ name: "it", colour: "#000000", mark: "line", y, standardErrors }],
});

interface Axis {
  readonly scale: { readonly type: string; readonly domain: readonly number[] };
  readonly axis: { readonly title: string; readonly values: readonly number[] };
}

interface Drawn {
  readonly data: { readonly values: readonly unknown[] };
  readonly layer: readonly { readonly encoding: { readonly x: Axis; readonly y: Axis } }[];
}

const drawn = (given: Panel): Drawn => (stackedPanels("T", ["s"], [given])["vconcat"] as readonly Drawn[])[0];

test("only numbers above 0 are drawn, and error bars never reach 0", () => {
  const { data } = drawn(panel([2, 0, 4], [1, 1, 5]));
  expect(data.values).toEqual([
    { series: "it", line: "it", x: 0.01, y: 2, low: 1, high: 3 },
    { series: "it", line: "it", x: 1, y: 4, low: 4, high: 9 },
  ]);
});

test.each([
  [
    [2, 30, 400],
    [1, 1000],
    [1, 10, 100, 1000],
  ],
  [
    [1, 10, 100],
    [1, 100],
    [1, 10, 100],
  ],
  [
    [1e-3, 1e-3, 1e-3],
    [1e-3, 1e-2],
    [1e-3, 1e-2],
  ],
  [
    [1e-9, 1, 1],
    [1e-9, 1],
    [1e-9, 1e-7, 1e-5, 1e-3, 1e-1],
  ],
])("y of %j spans whole decades %j with ticks at %j", (y, domain, ticks) => {
  const { scale, axis } = drawn(panel(y, null)).layer[0].encoding.y;
  expect(scale.type).toBe("log");
  scale.domain.forEach((end, k) => expect(end / domain[k]).toBeCloseTo(1, 9));
  expect(axis.values).toHaveLength(ticks.length);
  ticks.forEach((tick, k) => expect(axis.values[k] / tick).toBeCloseTo(1, 9));
  expect(axis.title).toBe("y (s)");
});

test.each([
  [0.02, 4],
  [0.005, 2],
  [2, 2],
])("a rule at %d is drawn if the axis from 0.01 to 1 has it", (x, layers) => {
  expect(drawn({ ...panel([1, 2, 3], null), rule: { x, label: "here" } }).layer).toHaveLength(layers);
});

test("x has a margin, and ticks within it only", () => {
  const { scale, axis } = drawn(panel([1, 2, 3], null, [0.01, 0.1, 0.3])).layer[0].encoding.x;
  expect(scale.domain[0]).toBeLessThan(0.01);
  expect(scale.domain[1]).toBeGreaterThan(0.3);
  expect(axis.values.map((tick) => Number(tick.toPrecision(6)))).toEqual([0.01, 0.1]);
});

test("the palette's line colours stand out from white", () => {
  const lightness = (hex: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
    return 0.2126 * r ** 2.2 + 0.7152 * g ** 2.2 + 0.0722 * b ** 2.2;
  };
  const contrast = (hex: string): number => 1.05 / (lightness(hex) + 0.05);
  expect(contrast(PALETTE.blue)).toBeGreaterThan(4.5);
  expect(contrast(PALETTE.vermillion)).toBeGreaterThan(3);
  expect(new Set(Object.values(PALETTE)).size).toBe(Object.keys(PALETTE).length);
});

test("linear axes keep numbers at and below 0, and start at 0 unless they are tight", () => {
  const linear = (y: "linear" | "tight") => drawn({ ...panel([2, 0, -4], [1, 1, 5]), axes: { x: "linear", y } });
  const { data, layer } = linear("linear");
  expect(data.values).toHaveLength(3);
  expect(data.values[1]).toMatchObject({ y: 0, low: -1, high: 1 });
  const { x, y } = layer[0].encoding;
  expect(x.scale.type).toBe("linear");
  expect(x.scale.domain[0]).toBeLessThan(0.01);
  expect(x.scale.domain[1]).toBeGreaterThan(1);
  expect(y.scale).toMatchObject({ type: "linear", zero: true });
  expect(linear("tight").layer[0].encoding.y.scale).toMatchObject({ type: "linear", zero: false });
});
