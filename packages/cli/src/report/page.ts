import { createHash } from "node:crypto";
import { type Html, html, inlineJson, trusted } from "./html.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Only what this page brings along may run or paint; nothing is fetched from anywhere. */
const POLICY = `default-src 'none'; script-src ${hashOf(SCRIPT)}; style-src ${hashOf(STYLE)}; img-src data:; base-uri 'none'; form-action 'none'`;

/** A page that is whole in itself. `result` lies in it as JSON, to be saved again. */
export const page = (title: string, body: Html, result: unknown): string =>
  `${
    html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
${body}
<div id="tip" role="status"></div>
<script type="application/json" id="result">${inlineJson(result)}</script>
<script>${trusted(SCRIPT)}</script>
</body>
</html>`.text
  }\n`;
