/** Tables made in memory, with the shapes that real ones have. */
import { type Column, DEFAULT_SETTINGS, type StudySettings, type Table } from "../../src/index.js";
import { Random } from "../models/naive.js";

export const numeric = (name: string, values: ArrayLike<number>): Column => ({
  kind: "numeric",
  name,
  values: Float64Array.from(values),
});

export function categorical(name: string, cells: readonly string[]): Column {
  const levels = [...new Set(cells)].sort();
  return {
    kind: "categorical",
    name,
    boolean: false,
    levels,
    codes: Int32Array.from(cells, (cell) => levels.indexOf(cell)),
  };
}

export const table = (columns: readonly Column[], source = "test.csv"): Table => ({
  source,
  rows: columns[0].kind === "numeric" ? columns[0].values.length : columns[0].codes.length,
  columns,
});

export const settings = (changes: Partial<StudySettings> = {}): StudySettings => ({
  ...DEFAULT_SETTINGS,
  target: "price",
  ...changes,
});

/** Houses: two numbers in very different units, a town, a flag and a price; weights and groups as further columns. */
export function houses(n = 120, seed = 1): Table {
  const random = new Random(seed);
  const area = Array.from({ length: n }, () => 40 + 160 * random.uniform());
  const age = Array.from({ length: n }, () => 50 * random.uniform() ** 2);
  const town = Array.from({ length: n }, (_, i) => ["Ahaus", "Borken", "Coesfeld"][(i * i + (i % 5)) % 3]);
  const garden = Array.from({ length: n }, () => (random.uniform() < 0.4 ? 1 : 0));
  const price = area.map(
    (value, i) =>
      50 + 2.1 * value - 1.3 * age[i] + 20 * garden[i] + (town[i] === "Borken" ? 30 : 0) + 25 * random.normal(),
  );
  return table([
    numeric("area", area),
    numeric("age", age),
    categorical("town", town),
    numeric("garden", garden),
    numeric("price", price),
  ]);
}

/** Loans: repaid or not. */
export function loans(n = 200, seed = 2): Table {
  const random = new Random(seed);
  const income = Array.from({ length: n }, () => 20 + 60 * random.uniform());
  const debt = Array.from({ length: n }, () => 30 * random.uniform());
  const repaid = income.map((value, i) =>
    0.06 * (value - 50) - 0.1 * (debt[i] - 15) + 1.5 * random.normal() > 0 ? "yes" : "no",
  );
  return table([numeric("income", income), numeric("debt", debt), categorical("repaid", repaid)]);
}

/** Every number of a result, with where it stands; and every place that holds `undefined`. */
export function leaves(value: unknown, path = ""): { path: string; value: unknown }[] {
  if (Array.isArray(value)) return value.flatMap((item, k) => leaves(item, `${path}[${k}]`));
  if (value !== null && typeof value === "object") {
    return Object.entries(value).flatMap(([key, item]) => leaves(item, `${path}.${key}`));
  }
  return [{ path, value }];
}
