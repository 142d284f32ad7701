/** What --help says after the options. */
export const adversarialTrainHelp = `
One run trains against one norm and one size. Everything is of the training
rows.

A duality gap proves how far the robust objective is from its minimum. It is
known where the worst case is: linear, logistic and poisson models, and
quadratic ones under --norm 2 without --bounds.

Ctrl-C keeps the state of the last whole iteration in the file of --checkpoint.
The same command with --resume ends in the same digits as one that was never
interrupted; data or settings that differ are refused, but for --outer-steps
and the tolerances.

Exit codes: 0 done, converged or not (a warning says which); 1 the training
could not be done; 2 wrong usage; 130 interrupted.

Example:
  aif adversarial-train examples/credit-default.csv --target defaulted \\
    --norm 2 --epsilon 0.01 --checkpoint training.json
`;
