/** The text of a mark beside the pointer, or beside the mark that has the focus. */
export function showTips(): void {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);
  const show = (event: Event): void => {
    const mark =
      event.target instanceof Element
        ? event.target.closest("svg :is([aria-roledescription=point],[aria-roledescription=bar])[aria-label]")
        : null;
    tip.hidden = mark === null;
    if (mark === null) return;
    tip.textContent = mark.getAttribute("aria-label");
    const box = mark.getBoundingClientRect();
    const at = event instanceof PointerEvent ? { x: event.clientX, y: event.clientY } : { x: box.right, y: box.top };
    tip.style.left = `${Math.max(4, Math.min(at.x + 12, innerWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${Math.max(4, at.y - tip.offsetHeight - 8)}px`;
  };
  for (const kind of ["pointermove", "pointerdown", "focusin"]) document.addEventListener(kind, show);
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") tip.hidden = true;
  });
}
