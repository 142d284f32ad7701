/** What --help says after the options. */
export const verifyHelp = `
The optima are those of the training rows: the exact minimiser of the robust
loss plus the ridge, for linear, logistic and poisson models, and for quadratic
ones under --norm 2 without --bounds. For --model softmax, mlp and --import no
exact optimum is known: there adversarial training by projected gradient, from
the same start, takes its place. --wasserstein has an exact optimum for linear,
logistic and poisson models, --divergence for quadratic and basis ones too.

--format json prints the object of aif analyze with "schema":
"aif.verification/1" and more in each point of the curve.

Exit codes: 0 done; 1 the verification could not be done; 2 wrong usage;
130 interrupted.

Example:
  aif verify examples/credit-default.csv --target defaulted \\
    --norm 2,inf --epsilon 0.001,0.01,0.1
`;
