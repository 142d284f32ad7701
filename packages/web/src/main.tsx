import { render } from "preact";
import { App } from "./app.js";
import { applyColours } from "./theme.js";
import { showTips } from "./tip.js";

applyColours();
showTips();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
