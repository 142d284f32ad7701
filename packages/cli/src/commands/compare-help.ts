/** What --help says after the options. */
export const compareHelp = `
All models are fitted to the same rows, judged on the same folds and attacked
alike. Since the ranking depends on what "alike" means, costs are given for one
ε relative to what each model sees, and for one fixed radius ρ. Without a size
it is the largest that every known trust radius allows. Choices of columns that
look at the target are made anew in every fold.

--format json prints one object with "schema": "aif.comparison/1".

Examples:
  aif compare examples/house-prices.csv --target price_thousands \\
    --model linear --model quadratic --features "forward 1..6"
  aif compare examples/house-prices.csv --target price_thousands \\
    --l2 0,0.01,0.1,1 --chart ridges.svg
  aif compare examples/house-prices.csv --target price_thousands \\
    --smoothing 0,0.25,0.5
  aif compare examples/credit-default.csv --target defaulted --positive yes \\
    --model logistic --model mlp:4 --model mlp:8 --seeds 5
`;
