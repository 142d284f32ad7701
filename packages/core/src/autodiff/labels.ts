/** Class labels: choosing one column a row, and the cross-entropy of a softmax. */
import { inputError, usageError } from "../errors.js";
import { mul, sub } from "./arithmetic.js";
import { sumOverColumns } from "./reductions.js";
import { rowLogSumExp, softmax } from "./softmax.js";
import { apply, constant, type Operation, shapeName, type Tensor } from "./tensor.js";

interface Labels {
  readonly labels: Float64Array;
}

const PICK: Operation<Labels> = {
  name: "pick",
  evaluate({ inputs: [a], rows, parameters: { labels } }, out) {
    for (let i = 0; i < rows; i++) out[i] = a.values[i * a.columns + labels[i]];
  },
  reverse: ({ inputs: [a], parameters }, g) => apply(SCATTER, [g], a.rows, a.columns, parameters),
  tangent: ({ parameters }, [t]) => t && apply(PICK, [t], t.rows, 1, parameters),
};

/** The adjoint of `pick`: each row's number in its label's column, zeros elsewhere. */
const SCATTER: Operation<Labels> = {
  name: "scatter",
  evaluate({ inputs: [a], rows, columns, parameters: { labels } }, out) {
    out.fill(0);
    for (let i = 0; i < rows; i++) out[i * columns + labels[i]] = a.values[i];
  },
  reverse: ({ parameters }, g) => apply(PICK, [g], g.rows, 1, parameters),
  tangent: ({ rows, columns, parameters }, [t]) => t && apply(SCATTER, [t], rows, columns, parameters),
};

/** The gradient in the scores is p − e_label, made with the loss and computed when it is asked for. */
const CROSS_ENTROPY: Operation<Labels & { residual: Tensor }> = {
  name: "crossEntropy",
  evaluate({ inputs: [z], rows, parameters: { labels } }, out) {
    const { values, columns } = z;
    for (let i = 0; i < rows; i++) {
      out[i] = rowLogSumExp(values, i * columns, (i + 1) * columns) - values[i * columns + labels[i]];
    }
  },
  reverse: ({ parameters }, g) => mul(g, parameters.residual),
  tangent: ({ parameters }, [t]) => t && sumOverColumns(mul(t, parameters.residual)),
};

/** @throws usage: not one label a row · input: a label that is no class. */
function checkLabels(name: string, scores: Tensor, labels: Tensor): void {
  if (labels.columns !== 1 || labels.rows !== scores.rows) {
    throw usageError(
      `${name}: expected ${scores.rows}×1 labels for ${shapeName(scores)} scores, found ${shapeName(labels)}.`,
    );
  }
  const { values } = labels;
  const row = values.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < scores.columns));
  if (row >= 0) {
    throw inputError(`Label ${values[row]} in row ${row + 1}: ${name} needs classes 0 to ${scores.columns - 1}.`);
  }
}

/** a_{i, label_i}, r×1, the labels (r×1) whole numbers from 0. @throws usage, input: labels that do not fit. */
export function pick(a: Tensor, labels: Tensor): Tensor {
  checkLabels("pick", a, labels);
  return apply(PICK, [a], a.rows, 1, { labels: labels.values });
}

/**
 * l_i = log Σ_j e^{z_ij} − z_{i, label_i}, r×1: the multinomial log loss of scores z (r×K), labels 0 … K−1.
 * @throws usage, input: labels that do not fit.
 */
export function crossEntropy(z: Tensor, labels: Tensor): Tensor {
  checkLabels("crossEntropy", z, labels);
  const certain = apply(SCATTER, [constant(new Float64Array(z.rows).fill(1), z.rows, 1)], z.rows, z.columns, {
    labels: labels.values,
  });
  return apply(CROSS_ENTROPY, [z], z.rows, 1, { labels: labels.values, residual: sub(softmax(z), certain) });
}
