// Which pane of a tile is large, and which part is lit. Without this script the page still reads.
"use strict";
const tiles = [...document.querySelectorAll(".tile")];
function press(group, view) {
  for (const button of group.querySelectorAll("[data-show]"))
    button.setAttribute("aria-pressed", button.dataset.show === view);
}
function show(tile, view) {
  tile.dataset.view = view;
  press(tile, view);
}
function showAll(all, view) {
  press(all, view);
  tiles.forEach((tile) => show(tile, view));
}
for (const tile of tiles) {
  show(tile, tile.dataset.view);
  tile.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    const pane = event.target.closest(".pane");
    if (button) show(tile, button.dataset.show);
    else if (pane) show(tile, ["mask", "depth"].find((v) => pane.classList.contains(v)) || "overlay");
  });
  for (const row of tile.querySelectorAll(".parts tr[data-id]"))
    for (const [name, on] of [["mouseenter", true], ["mouseleave", false]])
      row.addEventListener(name, () => {
        for (const node of tile.querySelectorAll(`[data-id="${row.dataset.id}"]`))
          node.classList.toggle("hot", on);
      });
}
const all = document.querySelector(".all");
if (all) {
  press(all, "overlay");
  all.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (button) showAll(all, button.dataset.show);
  });
}
