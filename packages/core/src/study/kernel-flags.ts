import { attackFlags, integerFlags, tableFlags } from "./data-flags.js";
import { raise } from "./flags.js";
import type { PreparedKernel } from "./kernel-prepare.js";
import type { Flag, ThreatSection } from "./result.js";
import { number } from "./words.js";

/** Targets farther from 0 than this, in standard deviations, are hard on a model without a constant term. */
const LARGEST_OFFSET = 2;

const meanOf = (y: Float64Array): number => y.reduce((sum, value) => sum + value / y.length, 0);

function spreadOf(y: Float64Array): number {
  const mean = meanOf(y);
  return Math.sqrt(y.reduce((sum, value) => sum + (value - mean) ** 2 / y.length, 0));
}

/** Flags on data and fit, before any threat. */
export function kernelGroundFlags({
  input,
  training,
  evaluation,
  reach,
  fit,
  chosen,
  outputs,
}: PreparedKernel): Flag[] {
  const { settings } = input;
  const flags: Flag[] = [
    ...tableFlags(input, training, evaluation),
    ...integerFlags(reach),
    ...attackFlags(settings, reach),
  ];
  if (settings.evaluation.kind === "training") {
    flags.push(raise("in-sample", "The loss is evaluated on the rows that the model was fitted on."));
  }
  if (fit.repeated) {
    const [first, second] = fit.repeated.rows.map((row) => training.sourceRows[row]);
    flags.push(
      raise(
        "repeated-rows",
        `${fit.repeated.count} pairs of rows have the same features, such as rows ${first} and ${second}.`,
      ),
    );
  }
  const offset = Math.abs(meanOf(training.y)) / spreadOf(training.y);
  if (training.encoding.target.task === "regression" && offset > LARGEST_OFFSET) {
    flags.push(
      raise(
        "no-constant-term",
        `The targets lie around ${number(meanOf(training.y))}, ${number(offset, 2)} standard deviations from 0, and the model has no constant term.`,
      ),
    );
  }
  flags.push(
    raise(
      "row-parameters",
      `${fit.theta.data.length} parameters, ${outputs === 1 ? "one a row" : `${outputs} a row`}, have no intervals.`,
    ),
  );
  flags.push(
    raise(
      "kernel-centres",
      chosen.centres === "move"
        ? `The centres of the model move with the attacked training rows${chosen.surface === "sphere" ? ", which keep their length" : ""}; attacks on evaluation rows leave them.`
        : "The centres of the model stay where they are while rows are attacked.",
    ),
  );
  return flags;
}

/** Flags on one threat. */
export function kernelThreatFlags(
  { threat: { norm }, curve, trustRadius }: ThreatSection,
  chosen: boolean,
  reasons: { readonly trust: string | null; readonly inference: string | null },
): Flag[] {
  const flags: Flag[] = [];
  if (trustRadius === null) {
    flags.push(
      raise(
        "trust-unknown",
        `p = ${norm}: no trust radius${reasons.trust === null ? "" : `, since ${reasons.trust}`}.`,
      ),
    );
  } else {
    const beyond = curve.filter(({ epsilon }) => epsilon > trustRadius * (1 + 1e-9)).length;
    if (chosen && beyond > 0) {
      const lie = `${beyond} of ${curve.length} sizes ${beyond === 1 ? "lies" : "lie"}`;
      flags.push(raise("trust-exceeded", `p = ${norm}: ${lie} beyond the trust radius ${number(trustRadius)}.`));
    }
  }
  if (reasons.inference !== null) {
    flags.push(raise("no-inference", `p = ${norm}: no interval for the population, since ${reasons.inference}.`));
  }
  flags.push(
    raise("searched-worst-case", `p = ${norm}: losses under attack are lower bounds, found by projected gradients.`),
  );
  return flags;
}
