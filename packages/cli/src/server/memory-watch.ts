import { type ChildProcess, execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const EVERY_MS = 400;
const KIBIBYTE = 1024;

/**
 * Ends a process that takes more memory than it may. Numbers lie beside the heap, which is all that Node limits, and a process
 * that computes does not look at itself.
 * @param onOver is told before it ends
 */
export function watchMemory(child: ChildProcess, limitBytes: number, onOver: () => void): void {
  const look = async (): Promise<void> => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    if ((await residentBytes(child.pid)) <= limitBytes) {
      setTimeout(() => void look(), EVERY_MS).unref();
      return;
    }
    onOver();
    child.kill("SIGKILL");
  };
  setTimeout(() => void look(), EVERY_MS).unref();
}

/** How much memory a process has; 0 where it is gone, or the system does not tell. */
async function residentBytes(pid: number): Promise<number> {
  try {
    if (process.platform === "linux") {
      const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
      return KIBIBYTE * Number(kibibytes ?? 0);
    }
    const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
    return KIBIBYTE * (Number(stdout.trim()) || 0);
  } catch {
    return 0;
  }
}
