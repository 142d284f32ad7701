/** `npm run test:long` draws far more than a quick run, and holds its results to tighter bounds. */
export const drawsOf = (quick: number, long: number): number => (process.env["AIF_LONG_TESTS"] === "1" ? long : quick);
