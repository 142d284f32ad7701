/** The products alone, for threads that share one memory, each with scratch memory of its own. */
export { FREE, multiply, scale, useScratch } from "./multiply";
