// How long a key takes to its list, as the editor's page shows it.

/** Begins to note, in the page, when keys are pressed and when the list appears that was not there. */
export async function watchTheList(page) {
  await page.evaluate(() => {
    const times = (globalThis.listTimes = []);
    let pressed = 0;
    let isOpen = false;
    addEventListener("keydown", () => (pressed = performance.now()), true);
    const look = () => {
      const widget = document.querySelector(".suggest-widget.visible");
      const shows = widget?.querySelector(".monaco-list-row") != null;
      if (shows && !isOpen) {
        // The list is on the screen with the next frame.
        const began = pressed;
        requestAnimationFrame(() => times.push(performance.now() - began));
      }
      isOpen = shows;
    };
    new MutationObserver(look).observe(document.querySelector(".editor-instance").closest(".monaco-workbench"), {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["class"],
    });
  });
}

/** What was noted, in milliseconds, the shortest first. */
export async function keyTimes(page) {
  const times = await page.evaluate(() => globalThis.listTimes);
  return times.sort((left, right) => left - right);
}
