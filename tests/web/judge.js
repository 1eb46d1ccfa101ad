// What is wrong with a page for who sees little or listens to it: contrast, headings, tables, names.
() => {
  const found = [];
  const parse = (color) => {
    const numbers = color.match(/[\d.]+/g).map(Number);
    return { rgb: numbers.slice(0, 3), alpha: numbers[3] ?? 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (["SCRIPT", "NOSCRIPT", "title"].includes(element.nodeName)) continue;
    const style = getComputedStyle(element);
    const pair = [luminance(parse(style.color).rgb), luminance(behind(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) found.push(`contrast ${contrast.toFixed(2)}: ${texts.currentNode.data}`);
    if (parseFloat(style.fontSize) < 12) found.push(`small: ${texts.currentNode.data}`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const now = Number(heading.nodeName[1]);
    if (now > level + 1) found.push(`heading ${now} after ${level}: ${heading.textContent}`);
    level = now;
  }
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption) found.push("a table without a caption");
    for (const header of table.querySelectorAll("th")) {
      if (!header.scope) found.push(`a header without scope: ${header.textContent}`);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) {
    if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} is there twice`);
  }
  for (const labelled of document.querySelectorAll("[aria-labelledby]")) {
    if (!document.getElementById(labelled.getAttribute("aria-labelledby"))) {
      found.push(`nothing is called ${labelled.getAttribute("aria-labelledby")}`);
    }
  }
  if (!document.documentElement.lang) found.push("no language");
  for (const target of document.querySelectorAll("a, summary")) {
    const { height } = target.getBoundingClientRect();
    if (target.nodeName === "SUMMARY" && height < 24) found.push(`a target of ${height} px`);
  }
  return found;
}
