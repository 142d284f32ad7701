import type { Flag } from "./result.js";

export type FlagLevel = "note" | "warning" | "error";

/** One entry of the registry: when a flag is raised, why it matters and what to do. docs/flags.md is written from it. */
export interface FlagRule {
  readonly level: FlagLevel;
  readonly raised: string;
  readonly why: string;
  readonly todo: string;
}

const rules = {
  "no-header": {
    level: "note",
    raised: "the file's first row looks like data, so columns are called column1, column2, …",
    why: "A header taken for data, or data for a header, shifts every name.",
    todo: "Say --header or --no-header if the guess is wrong.",
  },
  "decoded-utf16": {
    level: "note",
    raised: "the file is UTF-16 and was decoded",
    why: "Names and levels could look different elsewhere.",
    todo: "Nothing, or save the file as UTF-8.",
  },
  "constant-column": {
    level: "note",
    raised: "a column has one value only and was left out",
    why: "It is the intercept in disguise, and its parameter is not determined.",
    todo: "Nothing; drop the column from the file to silence the note.",
  },
  "duplicate-column": {
    level: "note",
    raised: "a column repeats another one cell by cell and was left out",
    why: "Two copies share one effect in any proportion, so no adversarial influence exists for them.",
    todo: "Nothing; drop one of them from the file to silence the note.",
  },
  "identifier-column": {
    level: "note",
    raised: "a column looks like a row number, a name or free text and was left out",
    why: "It identifies rows and predicts nothing on new ones.",
    todo: "Nothing, or use it all the same with --keep.",
  },
  "nearly-numeric-column": {
    level: "warning",
    raised: "a column was taken for text although most of its cells look like numbers",
    why: "One typo, unit or decimal comma turns a number into categories, which are frozen, or into an identifier, which is left out.",
    todo: "Correct the cell that the message names, or leave the column out with --exclude.",
  },
  "rows-dropped": {
    level: "note",
    raised: "rows with missing cells were left out",
    why: "The result speaks of the remaining rows, which may differ from the others.",
    todo: "Compare with --missing mean.",
  },
  "zero-weights": {
    level: "note",
    raised: "rows of weight 0 were left out",
    why: "They do not count in any sum.",
    todo: "Nothing.",
  },
  "imputed-column": {
    level: "note",
    raised: "missing cells were filled with the column's training mean (text: a level of its own)",
    why: "Intervals and sensitivities treat the filled-in values as known.",
    todo: "Compare with --missing drop.",
  },
  "label-dots": {
    level: "note",
    raised: "labels of the evaluation file matched only after a trailing dot was ignored",
    why: "The file may come from another source than the training file.",
    todo: "Check that the labels mean the same.",
  },
  "integer-feature": {
    level: "note",
    raised: "an attacked column holds whole numbers with at most 20 different values",
    why: "Moving a count or a code by a fraction may mean nothing.",
    todo: "Freeze it with --freeze if it is a code.",
  },
  "omitted-squares": {
    level: "note",
    raised: "the quadratic model leaves out squares of two-valued columns and products within one categorical",
    why: "Such products repeat other features, so their parameters are not determined.",
    todo: "Nothing.",
  },
  "unequal-threats": {
    level: "note",
    raised: "several norms are compared",
    why: "The same ε under p = 1, 2 and ∞ is not the same threat: compare radii in original units.",
    todo: "Choose the norm that describes your adversary.",
  },
  "in-sample": {
    level: "warning",
    raised: "the loss is evaluated on the training rows only",
    why: "There the curvature part cannot be negative without a ridge, while robust training often lowers the loss of new rows.",
    todo: "Use --evaluation cv:10, the default.",
  },
  "rank-deficient": {
    level: "warning",
    raised: "the Hessian is singular and its pseudo-inverse is used",
    why: "Some combinations of features cannot be told apart; parameters along them are the least-norm choice.",
    todo: "Leave out columns that are combinations of others, or add a ridge such as --l2 0.01.",
  },
  "singular-folds": {
    level: "warning",
    raised: "without some fold the Hessian is singular",
    why: "A rare level occurs in one fold only, so the fit without that fold knows nothing of it.",
    todo: "Merge rare levels, use fewer folds, or add a ridge such as --l2 0.01.",
  },
  "one-sided": {
    level: "note",
    raised: "the adversary's penalty has a corner at the fit (a residual or coefficient that is exactly 0, or a tie)",
    why: "The influence is the exact derivative towards ε > 0; towards ε < 0 it would be another.",
    todo: "Nothing: the derivative is exact, and its multipliers are in the JSON.",
  },
  "coupled-kink": {
    level: "warning",
    raised:
      "some row's input gradient has a coordinate that is exactly 0 (p = ∞) or a tie (p = 1) in a model that is not linear, or in a box",
    why: "The exact one-sided derivative there needs the input curvature; sgn(0) = 0 was used instead.",
    todo: "Use --norm 2, or a p between 1 and ∞.",
  },
  "near-kink": {
    level: "warning",
    raised: "p > 2 and an input gradient has a coordinate below 1 % of its size",
    why: "The remainder of the prediction then shrinks slowly with ε, like ε^(1/(p−1)).",
    todo: "Trust small ε only, or use --norm 2.",
  },
  "near-corner": {
    level: "warning",
    raised:
      "p = ∞ and a coefficient is within two standard errors of 0, or p = 1 and the two largest are within two of each other",
    why: "The penalty has a corner there. Another sample may lie on its other side, where the influence is another, so that intervals for the population may miss the truth altogether; numbers for this data set and for held-out rows do not suffer.",
    todo: "Leave out features that explain nothing, or read the population's intervals of these parameters and of the sensitivity as too short.",
  },
  "few-clusters": {
    level: "warning",
    raised: "there are fewer than 40 clusters, or fewer than parameters",
    why: "What clusters have in common is estimated from that many numbers only, so that intervals are too short.",
    todo: "Collect more clusters, use fewer features, or read the intervals as too short.",
  },
  "zero-gradient": {
    level: "note",
    raised: "the fit uses none of the attacked features",
    why: "An attack changes nothing, so neither does robust training.",
    todo: "Check the model, or what is frozen.",
  },
  "trust-unknown": {
    level: "warning",
    raised: "nothing is known of how far the prediction reaches",
    why: "The robust risk has no closed form here, so the prediction could not be checked against it.",
    todo: "Take predictions at small ε only.",
  },
  "no-second-order": {
    level: "note",
    raised: "--second-order was asked for where the path of robust optima has no second derivative",
    why: "The path bends sharply at a corner of the robust risk, so one more term would not help.",
    todo: "Use the exact change, or aif path.",
  },
  "trust-exceeded": {
    level: "warning",
    raised: "an ε that was asked for lies beyond the trust radius",
    why: "There the linear prediction may be off by more than 10 % of the parameter shift.",
    todo: "Read those rows as rough; take smaller ε for the decision.",
  },
  "beyond-collapse": {
    level: "warning",
    raised: "an ε lies at or beyond the collapse radius",
    why: "Exact robust training gives up every attacked feature there; a linear prediction means nothing.",
    todo: "Take smaller ε.",
  },
  "robust-loss-expansion": {
    level: "note",
    raised: "the robust loss is its second-order expansion in the radius",
    why: "The worst case has no closed form for this model or threat.",
    todo: "Trust it for small radii only.",
  },
  "few-rows": {
    level: "warning",
    raised: "there is more than one parameter for every 20 rows",
    why: "Estimates are off by noise of order d/n: population intervals are centred and widened for it, which holds up to about d/n = 0.2; beyond, none are given. Held-out intervals take the folds' fits as they are and become too short (docs/coverage.md).",
    todo: "Trust the held-out numbers; use more rows, fewer features or a ridge.",
  },
  "bootstrap-failures": {
    level: "warning",
    raised:
      "some draws of the bootstrap have no estimate: the rows drawn separate the targets, or do not determine all parameters",
    why: "The draws that are left do not stand for all samples, so that intervals may be too short.",
    todo: "Add a ridge such as --l2 0.01, leave out rare levels, or use --inference sandwich.",
  },
  "few-draws": {
    level: "note",
    raised: "the bootstrap has fewer draws than twice the parameters, so that no interval for the sensitivity is given",
    why: "So few draws do not determine how the parameters vary together.",
    todo: "Ask for more with --draws, or use --inference sandwich.",
  },
  "unbudgeted-frozen": {
    level: "note",
    raised: "--budget names some columns; the others are frozen",
    why: "A budget says all that the adversary may do.",
    todo: "Name every column that the adversary can touch.",
  },
  "training-not-converged": {
    level: "warning",
    raised: "adversarial training ended before its gradient or its duality gap was small",
    why: "Its parameters are not the optimum, so that what they differ by from a prediction is not the prediction's error alone. At corners of the robust risk (p = 1 and ∞, squared losses) descent stalls near the optimum.",
    todo: "Look at the gap; give more --outer-steps, use --exact-inner, or compare with the exact optimum of aif verify where there is one.",
  },
  "weak-inner-search": {
    level: "warning",
    raised: "the inner search of adversarial training falls short of the exact worst case by more than 0.1 %",
    why: "The model was trained against a weaker adversary than was asked for.",
    todo: "Give more --inner-steps or --restarts, or use --exact-inner.",
  },
  "searched-worst-case": {
    level: "note",
    raised:
      "losses under attack come from a search, because the worst case is not known exactly for this model or threat",
    why: "A search gives lower bounds: the true robust loss may be higher.",
    todo: "Compare with more --inner-steps and --restarts.",
  },
  "no-prediction": {
    level: "warning",
    raised: "there is no adversarial influence to set beside the training",
    why: "The message says which condition fails.",
    todo: "Nothing: training does not need it.",
  },
} as const satisfies Record<string, FlagRule>;

export type FlagCode = keyof typeof rules;

/** The one registry of flags, by code. */
export const FLAGS: Readonly<Record<FlagCode, FlagRule>> = rules;

/** A flag with its particulars: one sentence for `message`. */
export function raise(code: FlagCode, message: string): Flag {
  const { level, todo } = FLAGS[code];
  return { code, level, message, help: `${todo} See docs/flags.md#${code}.` };
}
