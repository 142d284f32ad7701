/** What --help says after the options. */
export const analyzeHelp = `
Lists are separated by commas or given by repeating the option. Write a column
name that holds a comma in double quotes: --freeze '"a,b",c'.

The report goes to stdout, everything else to stderr. --format json prints one
object with "schema": "aif.study/1" and the parts settings, data, model, fit,
threats (one for each norm), flags and timings.

Exit codes: 0 done; 1 the analysis could not be done; 2 wrong usage;
3 done, but a --fail-if holds or --strict met with a warning; 130 interrupted.

Examples:
  aif analyze examples/house-prices.csv --target price_thousands
  aif analyze examples/credit-default.csv --target defaulted --positive yes \\
    --norm 2,inf --epsilon 0.01,0.05 --coefficients coefficients.csv
`;
