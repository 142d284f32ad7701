export { FREE, multiply, scale } from "./multiply";
export { cholesky, solveLeft, solveLeftTransposed, solveRight } from "./triangular";
export { rotateRows } from "./rotate";
export { multiplyVector, multiplyVectorTransposed } from "./vector";
