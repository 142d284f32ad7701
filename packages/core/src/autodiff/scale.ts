import { apply, type Operation, type Tensor } from "./tensor.js";

const SCALE: Operation<{ factor: number }> = {
  name: "scale",
  evaluate({ inputs: [a], parameters: { factor } }, out) {
    const { values } = a;
    for (let i = 0; i < out.length; i++) out[i] = factor * values[i];
  },
  reverse: ({ parameters }, g) => scale(g, parameters.factor),
  tangent: ({ parameters }, [t]) => t && scale(t, parameters.factor),
};

/** factor · a, the factor a plain number. */
export const scale = (a: Tensor, factor: number): Tensor => apply(SCALE, [a], a.rows, a.columns, { factor });

/** −a */
export const neg = (a: Tensor): Tensor => scale(a, -1);
