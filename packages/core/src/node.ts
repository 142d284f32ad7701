/** What only Node can do: files. Everything else of the library runs in browsers too. */
export { assertWritable, writeFileAtomically } from "./data/files.node.js";
