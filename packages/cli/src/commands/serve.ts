import { spawn } from "node:child_process";
import type { Command } from "commander";
import { addGroups } from "../options/register.js";
import { readGroup } from "../options/rule.js";
import { serveOptions } from "../options/serve.js";
import { writeStderr, writeStdout } from "../output/stdout.js";

/** `aif serve [data]`: the local web app. */
export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .summary("the same in a browser: a local web app")
    .description(
      "Serves a page on this machine: drop a table, choose a target, and move the size of the attack. Nothing leaves the machine.",
    )
    .argument("[data]", "a table to begin with, in any form that analyze reads")
    .action(async (data: string | undefined) => {
      const { port, host, open } = readGroup(serveOptions, command);
      // The server is of no use to the other commands.
      const [{ isLoopback }, { serve }, { pageOptions }] = await Promise.all([
        import("../server/addresses.js"),
        import("../server/serve.js"),
        import("../server/page-options.js"),
      ]);
      const server = await serve({ port, host, data: data ?? null, options: pageOptions(program) });
      await writeStdout(`${server.link}\n`);
      if (!isLoopback(host)) {
        await writeStderr(
          `Whoever has the link and reaches ${host} sees your data, and nothing on the way is encrypted; without --host only this machine does.\n`,
        );
      }
      await writeStderr("Open this link in a browser; Ctrl-C ends the server and removes what was uploaded.\n");
      if (open) openBrowser(server.link);
      await new Promise<void>((resolve) => {
        process.once("SIGINT", () => resolve());
        process.once("SIGTERM", () => resolve());
      });
      await server.close();
    });
  addGroups(command, [serveOptions]);
  command.addHelpText("after", "\nExample:\n  aif serve examples/house-prices.csv\n");
}

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
  linux: ["xdg-open"],
};

/** Where there is no browser, the printed link is all there is. */
function openBrowser(link: string): void {
  const [program, ...words] = OPENERS[process.platform] ?? [];
  if (program === undefined) return;
  const child = spawn(program, [...words, link], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}
