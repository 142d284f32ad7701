/** What the report does by itself: texts beside the pointer, tables that sort, buttons that copy and save. No network, no eval. */
export const SCRIPT = `
(() => {
  const tip = document.getElementById("tip");
  const said = (target) => target instanceof Element && target.closest("svg :is([aria-roledescription=point],[aria-roledescription=bar])[aria-label]");
  const show = (event) => {
    const mark = said(event.target);
    if (!mark) { tip.style.display = "none"; return; }
    tip.textContent = mark.getAttribute("aria-label");
    tip.style.display = "block";
    const box = mark.getBoundingClientRect();
    const at = event.type === "focusin" ? { x: box.right, y: box.top } : { x: event.clientX, y: event.clientY };
    tip.style.left = Math.max(4, Math.min(at.x + 12, innerWidth - tip.offsetWidth - 4)) + "px";
    tip.style.top = Math.max(4, at.y - tip.offsetHeight - 8) + "px";
  };
  for (const kind of ["pointermove", "pointerdown", "focusin"]) document.addEventListener(kind, show);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.style.display = "none"; });

  const value = (row, column) => {
    const cell = row.cells[column];
    const number = cell.getAttribute("data-value");
    return number === null ? cell.textContent : Number(number);
  };
  const sort = (button) => {
    const head = button.closest("th");
    const table = head.closest("table");
    const column = head.cellIndex;
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
      return descending ? -order : order;
    });
    table.tBodies[0].append(...rows);
  };

  const csv = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => {
    const text = cell.getAttribute("data-value") ?? cell.innerText.replace(/[\\u2191\\u2193\\u2195]/g, "").trim();
    const number = cell.hasAttribute("data-value");
    const safe = !number && /^'*[=+\\-@\\t\\r\\n＝＋－＠]/.test(text) ? "'" + text : text;
    return /[",;\\t\\r\\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  }).join(",")).join("\\n") + "\\n";
  const tell = (button, text) => {
    const before = button.textContent;
    button.textContent = text;
    setTimeout(() => { button.textContent = before; }, 1500);
  };
  const copy = async (button, text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    tell(button, "copied");
  };
  const save = (name, text, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const drawn = (figure) => {
    const svg = figure.querySelector("svg.wide,svg.fixed").cloneNode(true);
    const style = getComputedStyle(document.documentElement);
    svg.removeAttribute("class");
    return new XMLSerializer().serializeToString(svg).replace(/var\\(--([a-z]+)\\)/g, (_, name) => style.getPropertyValue("--" + name).trim());
  };
  const acts = {
    sort: (button) => sort(button),
    "copy-table": (button) => copy(button, csv(button.closest("[data-table]").querySelector("table"))),
    "copy-text": (button) => copy(button, button.parentElement.querySelector("pre").textContent),
    "save-svg": (button) => { const figure = button.closest("figure"); save(figure.dataset.name + ".svg", drawn(figure), "image/svg+xml"); },
    "save-json": () => save("aif-result.json", JSON.stringify(JSON.parse(document.getElementById("result").textContent), null, 2) + "\\n", "application/json"),
  };
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button[data-act]");
    if (button) acts[button.dataset.act](button);
  });
})();
`.trim();
