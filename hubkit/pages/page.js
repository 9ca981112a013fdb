// What a template can use:
//   data-theme-switch   a button: light, dark, or as the system is
//   data-controls       a toolbar (parts.html): search and filters for the items of a container
//   data-item="words"   an item: what the search looks for; data-NAME="a|b": what filters look for
//   data-key="key"      with it, the item's elements of the id "key" and with data-with="key" are
//                       shown and hidden
//   data-reset          a button that clears the search and the filters
//   table[data-sort]    sorts its rows, or its bodies if it has several; data-value of a cell counts,
//                       else its text. th[data-fixed] does not sort
//   data-copy           a button that copies the code beside it
// Elements of the class "script" are shown only where JavaScript runs. "/" goes to the search.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, start = document) => [...start.querySelectorAll(selector)];

  const themes = ["auto", "light", "dark"];
  const stored = (() => {
    try { return localStorage.getItem("hubkit-theme"); } catch { return null; }
  })();
  const setTheme = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    for (const button of all("[data-theme-switch]")) button.textContent = `Theme: ${theme}`;
    try { localStorage.setItem("hubkit-theme", theme); } catch { /* a private window */ }
  };
  let theme = themes.includes(stored) ? stored : "auto";
  root.classList.add("with-script");
  if (theme !== "auto") root.dataset.theme = theme;

  function setUpToolbar(bar) {
    const box = bar.querySelector("input");
    const chips = all(".chip", bar);
    const output = bar.querySelector("output");
    const empty = bar.nextElementSibling;
    const others = new Map();
    for (const one of all("[data-with]")) others.set(one.dataset.with, [...(others.get(one.dataset.with) ?? []), one]);
    const items = all(bar.dataset.controls).flatMap((one) => all("[data-item]", one)).map((element) => ({
      element,
      text: element.dataset.item.toLowerCase(),
      others: others.get(element.dataset.key) ?? [],
      named: document.getElementById(element.dataset.key ?? ""),
    }));
    const total = items.length;
    const wanted = () => {
      const groups = new Map();
      for (const chip of chips) {
        if (chip.getAttribute("aria-pressed") !== "true") continue;
        const name = chip.parentElement.dataset.filter;
        groups.set(name, [...(groups.get(name) ?? []), chip.dataset.value]);
      }
      return groups;
    };
    const update = () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      const groups = [...wanted()];
      let count = 0;
      for (const { element, text, others, named } of items) {
        const isShown = words.every((word) => text.includes(word)) && groups.every(
          ([name, values]) => values.some(
            (value) => (element.getAttribute(`data-${name}`) ?? "").split("|").includes(value)));
        for (const one of [element, named, ...others]) if (one) one.hidden = !isShown;
        count += isShown;
      }
      output.textContent = count === total ? `${total}` : `${count} of ${total}`;
      empty.hidden = count > 0 || total === 0;
    };
    const reset = () => {
      box.value = "";
      for (const chip of chips) chip.setAttribute("aria-pressed", "false");
      update();
    };
    box.addEventListener("input", update);
    box.addEventListener("keydown", (event) => { if (event.key === "Escape") { box.value = ""; update(); } });
    for (const chip of chips) chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      update();
    });
    empty.querySelector("[data-reset]").addEventListener("click", () => { reset(); box.focus(); });
    bar.addEventListener("hubkit:reset", reset);
    update();
  }

  const valueOf = (cell) => cell?.dataset.value ?? cell?.textContent.trim() ?? "";
  const numberOf = (text) => (text === "" ? NaN : Number(text));
  function compare(one, other) {
    if (one === "" || other === "") return (one === "") - (other === "");
    const [a, b] = [numberOf(one), numberOf(other)];
    return Number.isNaN(a) || Number.isNaN(b)
      ? one.localeCompare(other, undefined, { numeric: true }) : a - b;
  }
  function setUpSorting(table) {
    const bodies = [...table.tBodies];
    const rows = bodies.length > 1 ? bodies : [...bodies[0].rows];
    const place = rows[0]?.parentElement;
    const heads = all("thead th", table).filter((head) => !("fixed" in head.dataset));
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const isNumber = "number" in head.dataset;
        const before = head.getAttribute("aria-sort");
        const order = before === null ? (isNumber ? "descending" : "ascending")
          : before === (isNumber ? "descending" : "ascending") ? (isNumber ? "ascending" : "descending") : null;
        for (const one of heads) one.removeAttribute("aria-sort");
        if (order) head.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        const keyed = rows.map((row) => [valueOf((row.rows?.[0] ?? row).cells[head.cellIndex]), row]);
        if (order) keyed.sort(([a], [b]) => (a === "" || b === "" ? compare(a, b) : sign * compare(a, b)));
        place?.append(...keyed.map(([, row]) => row));
      });
    }
  }

  async function copy(button) {
    const text = button.parentElement.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  // What a link leads to is shown, whatever is filtered or closed.
  function reveal() {
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
    if (!target) return;
    if (target.closest("[hidden]")) {
      for (const bar of all("[data-controls]")) bar.dispatchEvent(new Event("hubkit:reset"));
    }
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    target.scrollIntoView();
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
  addEventListener("hashchange", reveal);
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) reveal();
  });
  addEventListener("keydown", (event) => {
    const box = document.querySelector("[data-controls] input");
    if (event.key !== "/" || !box || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    box.focus();
  });
  addEventListener("DOMContentLoaded", () => {
    setTheme(theme);
    for (const button of all("[data-theme-switch]")) button.addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      setTheme(theme);
    });
    for (const bar of all("[data-controls]")) setUpToolbar(bar);
    for (const table of all("table[data-sort]")) setUpSorting(table);
    for (const button of all("[data-copy]")) button.addEventListener("click", () => copy(button));
    reveal();
  });
})();
