#!/usr/bin/env node
import { existsSync } from "node:fs";

const oldest = [20, 19];

/** Whether this Node is new enough to load the program at all. */
function oldNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
}

const main = new URL("../dist/main.js", import.meta.url);

if (oldNode()) {
  console.error(`aif: Node ${oldest.join(".")} or newer is needed, and this is ${process.versions.node}.`);
  process.exitCode = 1;
} else if (!existsSync(main)) {
  console.error("aif: The program has not been built yet; run npm run build in its folder.");
  process.exitCode = 1;
} else {
  const program = await import(main.href);
  await program.main(process.argv.slice(2));
}
