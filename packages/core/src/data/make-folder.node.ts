import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and those above it, where they are not there yet; others may make the same ones meanwhile. Node's own recursive way
 * tries for ever where the system takes no folders, such as in /proc or where disks are mounted on demand.
 * @param mode permissions of folders that are made here
 * @throws the system's errors, by their codes; EEXIST: a file has the name
 */
export function makeFolder(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.toReversed()) {
    try {
      mkdirSync(folder, { mode });
    } catch (cause) {
      if (!existsSync(folder)) throw cause;
    }
  }
  if (!statSync(path).isDirectory()) {
    throw Object.assign(new Error(`EEXIST: ${path} is a file.`), { code: "EEXIST" });
  }
}
