import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "aif-serve-";
/** Holds the number of the process whose folder it is. */
const OWNER = "owner";
/** Of a folder without an owner: it may just be made. */
const STALE_MS = 3600 * 1000;

/** A folder for this run that nobody else can read (0700). Those of runs that ended without cleaning up are removed. */
export async function privateFolder(parent = tmpdir()): Promise<string> {
  await sweep(parent);
  const folder = await mkdtemp(join(parent, PREFIX));
  await writeFile(join(folder, OWNER), String(process.pid), { mode: 0o600 });
  return folder;
}

async function sweep(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((found) => found.startsWith(PREFIX))) {
    const path = join(parent, name);
    if (await isAbandoned(path)) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/** A link, or a folder of somebody else, is never ours to remove. */
async function isAbandoned(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null);
  const mine = process.getuid === undefined || found?.uid === process.getuid();
  if (!found?.isDirectory() || !mine) return false;
  const owner = Number(await readFile(join(path, OWNER), "utf8").catch(() => ""));
  if (!Number.isSafeInteger(owner) || owner <= 0) return Date.now() - found.mtimeMs > STALE_MS;
  return !isRunning(owner);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
