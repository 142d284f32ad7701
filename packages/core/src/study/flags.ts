import type { Flag } from "./result.js";

/** A note says what was decided without asking, a warning what to read with care, an error what makes a number unusable. */
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
  "folder-skipped": {
    level: "note",
    raised: "a pattern of file names matches a folder too",
    why: "Patterns name files: what lies in the folder is not read, and its rows may be missed.",
    todo: "Nothing, or name the files inside by a pattern such as 'data/*/*.csv', or every file by a list, @parts.txt.",
  },
  "constant-column": {
    level: "note",
    raised: "a column has one value only and was left out",
    why: "It is the intercept in disguise, and its parameter is not determined.",
    todo: "Nothing; drop the column from the file to silence the note.",
  },
  "duplicate-column": {
    level: "note",
    raised: "a column repeats another one cell by cell (with --precision mixed: in 32 bits) and was left out",
    why: "Two copies share one effect in any proportion, so no adversarial influence exists for them.",
    todo: "Nothing; drop one of them from the file to silence the note.",
  },
  "identifier-column": {
    level: "note",
    raised: "a column looks like a row number, a name or free text and was left out",
    why: "It identifies rows and predicts nothing on new ones.",
    todo: "Nothing, or use it all the same with --keep.",
  },
  "date-column": {
    level: "warning",
    raised: "a column of dates was taken for text",
    why: "Every date becomes a category of its own, frozen, or the column is left out as one that names rows; the order of time is lost.",
    todo: "Give a number instead, such as days since the first date, or the month; or leave the column out with --exclude.",
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
  "mixed-precision": {
    level: "note",
    raised: "features were stored in 32 bits, as --precision mixed asks",
    why: "Every cell is rounded to seven digits; sums are kept in 64 bits. The message gives the largest rounding that was measured.",
    todo: "Compare with --precision double where the message gives more than the digits that you need.",
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
    todo: "Use --evaluation cv:10 or fraction:0.2, or a file of new rows.",
  },
  "rank-deficient": {
    level: "warning",
    raised: "the Hessian is singular and its pseudo-inverse is used",
    why: "Some combinations of features cannot be told apart; parameters along them are the least-norm choice.",
    todo: "Leave out columns that are combinations of others, or add a ridge such as --l2 0.01.",
  },
  "ill-conditioned": {
    level: "warning",
    raised:
      "the Hessian is nearly singular: its condition number κ, with columns scaled alike, is estimated above 4.5e9, so that κ·2⁻⁵², about the relative error of the parameters' shift and of S, exceeds 1e-6",
    why: "Some columns are nearly combinations of others. Rounding in the sums over the rows is multiplied by κ: with 1e12 about three digits are left. Predictions suffer less than single parameters.",
    todo: "Leave out one of the columns that the message names, or add a ridge such as --l2 0.01; with --no-standardize also move columns far from 0 nearer to it.",
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
      "some row's input gradient has a coordinate that is exactly 0 (p = ∞), a tie (p = 1) or only zeros (any p) in a model that is not linear, or in a box",
    why: "The exact one-sided derivative there needs the input curvature; sgn(0) = 0 was used instead.",
    todo: "Use --norm 2, or a p between 1 and ∞; where all of a gradient is 0, free features that the model uses.",
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
      "p = ∞ and a coefficient (of a network: all weights of a feature in the first layer) is within two standard errors of 0, or p = 1 and the two largest are within two of each other",
    why: "The penalty has a corner there. Another sample may lie on its other side, where the influence is another, so that intervals for the population may miss the truth altogether; numbers for this data set and for held-out rows do not suffer.",
    todo: "Leave out features that explain nothing, or read the population's intervals of these parameters and of the sensitivity as too short.",
  },
  "few-clusters": {
    level: "warning",
    raised: "there are fewer than 40 clusters, or fewer than 20 for each parameter",
    why: "What clusters have in common is estimated from that many numbers only, so that intervals are too short.",
    todo: "Collect more clusters, use fewer features, or read the intervals as too short.",
  },
  "unequal-weights": {
    level: "warning",
    raised:
      "the sampling weights are so unequal that the rows tell less than half as many of equal weight would, (Σ w)²/Σ w²",
    why: "A few rows decide most of every number, so that intervals are too short.",
    todo: "Read intervals as too short; check the largest weights, or cut them off; --weights-kind frequency if they are counts of equal rows.",
  },
  "zero-gradient": {
    level: "note",
    raised: "the fit uses none of the attacked features, or meets every row exactly",
    why: "At first order there is nothing that robust training could win, so it changes nothing.",
    todo: "Check the model, what is frozen, and whether a column gives the target away.",
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
    todo: "Trust the numbers of rows that were not trained on; use more rows, fewer features or a ridge.",
  },
  "few-events": {
    level: "warning",
    raised: "a logistic model has fewer than five rows of the rarer label for each parameter",
    why: "They, not all rows, decide how well the parameters are known. Intervals with a nominal 95 % held the truth in 87 % of samples of 500 rows with 5 of the rarer label for 4 parameters, in 93 % with 12, in 94 % with 27.",
    todo: "Read intervals as too short; use more rows of that label, fewer features or a ridge.",
  },
  "selected-features": {
    level: "note",
    raised: "--l1 selected the features of the model",
    why: "Which features are in is itself estimated. Held-out numbers select anew in every fold and hold; there are no intervals for coefficients or for the population, since ones that take the selected set as given are too short after selection, and the bootstrap does not hold for coefficients that may be exactly 0.",
    todo: "Trust the held-out numbers and their intervals, which are of the evaluation rows given the fits.",
  },
  "lasso-not-unique": {
    level: "warning",
    raised: "other coefficients reach the same value of the lasso's objective",
    why: "Columns that are combinations of each other can share their effect in several ways. Predictions and losses of the fit are the same for all; which features count as selected, and how robust training would move them, are not.",
    todo: "Leave out columns that are combinations of others, or add a ridge such as --l2 0.01 (elastic net).",
  },
  "l1-chosen": {
    level: "note",
    raised:
      "several λ were given to --l1 and the one with the smallest natural loss on the evaluation rows is analysed",
    why: "The smallest of several noisy losses is a little smaller than what new rows will show.",
    todo: "Give one λ that was chosen otherwise, or read the held-out loss as a little optimistic.",
  },
  "no-feature-helps": {
    level: "warning",
    raised: "among the λ of --l1, one that leaves no feature at all predicts the evaluation rows best",
    why: "The features do not predict rows that the fit has not seen; the model that is analysed is worse than a constant.",
    todo: "Look for better features or more rows before asking what robustness costs.",
  },
  "support-changes": {
    level: "note",
    raised: "an ε that was asked for lies beyond the size at which a feature enters or leaves a lasso",
    why: "The prediction keeps the features and their signs as they are; exact robust training changes them from there on.",
    todo: "Compare with aif verify, or take smaller ε.",
  },
  "bootstrap-failures": {
    level: "warning",
    raised:
      "some draws of the bootstrap have no estimate: the rows drawn separate the targets, or do not determine all parameters, or a network left for another minimum",
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
    why: "Its parameters are not the optimum, so that what they differ by from a prediction is not the prediction's error alone. At corners of the robust risk (p = 1 and ∞ with any loss; squared losses) descent stalls near the optimum.",
    todo: "Look at the gap: it says how far the objective can be from its minimum. If it ran out of steps, give more --outer-steps; at a corner compare with the exact optimum of aif verify where there is one.",
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
    todo: "Read robust losses as at least what is shown. In adversarial-train, compare with more --inner-steps and --restarts.",
  },
  "sampled-attacks": {
    level: "note",
    raised:
      "losses under attack were searched on some of the evaluation rows only, because rows times parameters are many or --attack-rows says so; κ is then looked for within the trust radius only",
    why: "What an attack adds to the loss is known up to the standard error that drawing the rows leaves, which the message and `attackedSample` in the JSON give. Natural losses, Φ, H, the response and the trust radius are of all rows.",
    todo: "Nothing where the standard error is small beside the loss; else give more --attack-rows, or --attack-rows all.",
  },
  "no-prediction": {
    level: "warning",
    raised: "there is no adversarial influence to set beside the training",
    why: "The message says which condition fails.",
    todo: "Nothing: training does not need it.",
  },
  "not-at-minimum": {
    level: "warning",
    raised:
      "the parameters are not a minimum of the training risk, and a step towards it is not small beside the response",
    why: "The influence is the derivative of a minimum. Elsewhere it is the response of one damped Newton step, and training on would move the parameters anyway.",
    todo: "Train to a minimum (a network trained here: --l2 above 0 with --optimizer lbfgs; an import: the --l2 and the rows that it was trained with, and a linear one without --no-polish), or read the numbers as a local response.",
  },
  "damped-response": {
    level: "warning",
    raised: "the response is −(H+λI)⁻¹Φ with a damping λ above 0",
    why: "Damping shrinks the response towards 0: the cost comes out smaller than without it, and how much smaller depends on λ.",
    todo: "Look at the curve over λ in the report, choose --damping yourself, or train with a ridge so that none is needed.",
  },
  "gauss-newton": {
    level: "note",
    raised: "second derivatives are those of Gauss and Newton, without the bend of the network's outputs",
    why: "They are never negative, where the Hessian of a network has negative curvature; at a good fit they differ little.",
    todo: "Compare with --curvature hessian.",
  },
  "worse-than-constant": {
    level: "warning",
    raised: "an imported model predicts the given rows worse than a constant, and was analysed because of --force",
    why: "Mostly the columns are in another order, the labels are, or the model was trained behind a scaler that is missing here.",
    todo: "Check --columns, --classes, --scaler and --input-scale.",
  },
  "minima-differ": {
    level: "warning",
    raised: "networks trained from other seeds have a sensitivity that differs by more than a factor of 2",
    why: "Training finds one of many minima, each with an influence of its own. What is shown is about the one with the lowest objective.",
    todo: "Look at the table of seeds, train with more --restarts or a larger --l2, and read the numbers as one case of several.",
  },
  "polish-moved": {
    level: "warning",
    raised: "bringing an imported model to the minimum on these rows changed it much",
    why: "The numbers are about the model after that. Mostly it was trained with a ridge that was not given here, or on other rows.",
    todo: "Give the --l2 or --C that it was trained with, or --no-polish to analyse it as it came.",
  },
  "unconverged-solver": {
    level: "warning",
    raised: "the linear solver stopped before its residual was small, and was allowed to",
    why: "The response solves its equation only as far as the residual says.",
    todo: "Give more --damping, or another --solver.",
  },
  "unconverged-training": {
    level: "warning",
    raised: "training ended before the gradient was small",
    why: "The parameters are not a minimum, as the influence assumes.",
    todo: "Add a ridge such as --l2 0.01, or read the numbers as a local response.",
  },
  "relu-kinks": {
    level: "note",
    raised: "the network has ReLU units, whose derivative jumps",
    why: "The response holds while few units switch on or off; the curvature that the jumps would add is taken as 0.",
    todo: "Trust small sizes only; where you train the network, compare with --activation softplus or tanh.",
  },
  "one-row-budget": {
    level: "warning",
    raised: "rows share one budget and its order is 1 (`--wasserstein 1`)",
    why: "One row takes the whole budget, so that the prediction holds for sizes that shrink like one over the number of rows, the influence has no distribution over samples, and for squared losses the worst case grows without bound as rows are added.",
    todo: "Take an order above 1, such as --wasserstein 2, unless one row is what your adversary would move.",
  },
  "loss-without-constant": {
    level: "note",
    raised: "rows are reweighted by a Poisson loss, which lacks a term that differs between rows",
    why: "The loss leaves out log(y!), which no parameter changes, but which decides what rows lose most.",
    todo: "Read the result as that of an adversary who looks at this loss, not at the whole log likelihood.",
  },
  "no-inference": {
    level: "note",
    raised: "there are no intervals for the population, or none for the sensitivity",
    why: "They need a minimum, whole second and third derivatives, and a smooth model; and a bias of order d/n that is a correction, not larger than what it corrects. Held-out intervals are of the evaluation rows given the fit; another training set would give another fit.",
    todo: "What the message asks for: training to a minimum, a ridge, more rows, a smooth activation, or --inference bootstrap. --restarts shows how far a network's result depends on the minimum that it found.",
  },
  "imported-needs-training-rows": {
    level: "note",
    raised: "the model was trained elsewhere",
    why: "H and Φ are sums over the rows that the model was trained on: with other rows they speak of another training.",
    todo: "Give the training rows as the table, and new rows with --evaluation FILE.",
  },
  "label-order": {
    level: "note",
    raised: "the order of an imported model's labels, inputs or layers was decided on",
    why: "A wrong order makes every number wrong.",
    todo: "Check the statement; --classes and --columns say it yourself.",
  },
  "early-stopping": {
    level: "note",
    raised: "some training rows were held out to decide when to stop training",
    why: "They are neither trained on nor counted in H and Φ.",
    todo: "Give --l2 and --optimizer lbfgs to train on all rows to a minimum.",
  },
  "projection-given": {
    level: "note",
    raised: "the model works on components of the features (--project)",
    why: "Intervals, and the exact optima, take the projection as given: they leave out that another training set would give another one. Held-out numbers do not: there the projection is learned from each fold's training rows.",
    todo: "Read intervals as those of a model with this projection.",
  },
  "factor-at-limit": {
    level: "warning",
    raised: "a factor analysis explains a feature completely (a Heywood case)",
    why: "The likelihood rises until a factor is that feature itself, so the factor says nothing of the others.",
    todo: "Ask for fewer factors, or use --project pca:k.",
  },
  "model-left-out": {
    level: "warning",
    raised: "a model of a comparison has no fit or no influence, on all rows or without a fold",
    why: "It cannot be ranked; the others are compared without it.",
    todo: "What the message asks for: mostly a ridge, or other columns.",
  },
  "unattackable-model": {
    level: "note",
    raised: "models of a comparison see nothing that can be attacked",
    why: "Robustness costs them nothing under this adversary, so that they look cheap beside models of other columns.",
    todo: "Nothing, or say with --freeze or --budget what can be attacked.",
  },
  "selection-not-counted": {
    level: "note",
    raised: "columns were chosen by the target, and S in the population is given for the chosen ones",
    why: "Another sample may choose other columns. Held-out losses and costs count that, since every fold chooses for itself; S, its interval, AIC and BIC do not.",
    todo: "Judge selections by held-out numbers; the result says how often each column was chosen.",
  },
  "repeated-rows": {
    level: "note",
    raised: "rows of a kernel regression repeat others, feature by feature",
    why: "Their parameters share one effect: only the ridge says how. Predictions and sensitivities do not suffer.",
    todo: "Nothing, or leave repeated rows out.",
  },
  "no-constant-term": {
    level: "warning",
    raised: "a kernel regression is fitted to targets that lie far from 0",
    why: "The model is a combination of kernels without a constant term, as in the paper: its ridge shrinks predictions towards 0, not towards the mean, which costs fit and makes R² small.",
    todo: "Subtract a constant near the mean from the target, or lower --ridge.",
  },
  streamed: {
    level: "note",
    raised: "the rows do not lie in memory, or are spread over processes, so that they pass by block by block",
    why: "Every number that is given is the same as in memory.",
    todo: "Nothing.",
  },
  "left-out-streamed": {
    level: "note",
    raised: "rows pass by block by block, so that what needs all of them at once is left out",
    why: "There are no exact robust optima beside the curve, and no AUC where --memory leaves no room for its scores. What is there does not suffer.",
    todo: "Nothing, or give fewer rows (or more memory) for what the message names; --no-exact asks for no exact optima.",
  },
  "row-parameters": {
    level: "note",
    raised: "the model is a kernel regression, which has one parameter for each row",
    why: "Another sample has other rows and other parameters, so that θ has no counterpart in the population and no interval. The sensitivity has one, from subsamples.",
    todo: "Nothing: read intervals of the sensitivity and of held-out changes.",
  },
  "kernel-centres": {
    level: "note",
    raised: "a kernel regression says whether its centres move with attacked rows",
    why: "In training the rows are the centres too, so an attack on one moves the model at all others; at test time the centres stay. The two give different costs.",
    todo: "Choose with --centres what your training does.",
  },
} as const satisfies Record<string, FlagRule>;

/** The code of a flag: a key of `FLAGS`. */
export type FlagCode = keyof typeof rules;

/** The one registry of flags, by code. */
export const FLAGS: Readonly<Record<FlagCode, FlagRule>> = rules;

/** A flag with its particulars: one sentence for `message`. */
export function raise(code: FlagCode, message: string): Flag {
  const { level, todo } = FLAGS[code];
  return { code, level, message, help: `${todo} See docs/flags.md#${code}.` };
}
