import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { AifError } from "@aif/core";

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The page's files by their path in a URL. Only what was built is there: no path of a request is ever looked up on disk. */
export type Assets = ReadonlyMap<string, Asset>;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".csv": "text/csv; charset=utf-8",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

const built = fileURLToPath(new URL("../web", import.meta.url));

/** @throws AifError "resource": the page was not built. */
export async function loadAssets(folder = built): Promise<Assets> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const entries = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map(async (file): Promise<[string, Asset]> => {
        const path = join(file.parentPath, file.name);
        const url = `/${relative(folder, path).split(sep).join("/")}`;
        const bytes = new Uint8Array(await readFile(path));
        return [url, { type: TYPES[extname(path)] ?? "application/octet-stream", bytes }];
      }),
  );
  const assets = new Map(entries);
  const index = assets.get("/index.html");
  if (!index) throw new AifError("resource", "The page has not been built: run npm run build in the project's folder.");
  return assets.set("/", index);
}
