import type { Point } from "./idea.js";

/** A small generator of its own, so that the page begins with the same points everywhere. */
function* uniforms(seed: number): Generator<number, never> {
  let state = seed >>> 0;
  while (true) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield (state + 0.5) / 2 ** 32;
  }
}

const round = (value: number): number => Math.round(20 * value) / 20;

/** Points to begin with. */
export function cloud(kind: "classification" | "regression", count: number, seed: number): Point[] {
  const random = uniforms(seed);
  const next = (): number => random.next().value;
  const normal = (): number => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  return Array.from({ length: count }, (_, k) => {
    const label = k % 2 === 0 ? 1 : -1;
    if (kind === "regression") {
      const x = 2 * normal();
      return {
        x: round(Math.max(-3.8, Math.min(3.8, x))),
        y: round(Math.max(-3.8, Math.min(3.8, 0.7 * x + 0.9 * normal()))),
        label,
      };
    }
    return { x: round(1.3 * label + 1.1 * normal()), y: round(0.5 * label + 1.1 * normal()), label };
  });
}
