/** Diagonals of a Hessian this far apart leave no digits for what couples their parameters. */
const FAR_APART = 1e8;

/** What to do, beside what else is said, where a Hessian is singular to rounding and its parameters are in units far apart. @param diagonal of H */
export function unitsAdvice(diagonal: ArrayLike<number>): string {
  const sizes = Array.from(diagonal).filter((value) => value > 0);
  if (sizes.length === 0 || Math.max(...sizes) < FAR_APART * Math.min(...sizes)) return "";
  return " The columns are in units far apart, which alone can make it so: standardise them (without --no-standardize), or give them in other units.";
}
