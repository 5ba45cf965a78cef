// The page works without this: it only folds long tables and lets a reader search and sort them.
(function () {
  "use strict";
  var FOLDED = 20;
  document.querySelectorAll("[data-filter]").forEach(function (bar) {
    var table = document.getElementById(bar.getAttribute("data-filter"));
    var rows = Array.prototype.slice.call(table.tBodies[0].rows);
    var search = bar.querySelector("input");
    var select = bar.querySelector("select");
    var button = bar.parentNode.querySelector("button");
    var status = bar.querySelector("output");
    var folded = rows.length > FOLDED;
    var texts = new Map(rows.map(function (row) { return [row, row.textContent.toLocaleLowerCase()]; }));
    var collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
    function show() {
      var wanted = search.value.trim().toLocaleLowerCase();
      var filtered = wanted !== "" || select.value !== "";
      var shown = 0;
      rows.forEach(function (row, place) {
        var fits = (wanted === "" || texts.get(row).indexOf(wanted) >= 0) &&
          (select.value === "" || row.getAttribute("data-verdict") === select.value);
        var visible = fits && (filtered || !folded || place < FOLDED);
        row.classList.toggle("away", !visible);
        if (visible) { shown += 1; }
      });
      button.hidden = filtered || rows.length <= FOLDED;
      button.textContent = button.getAttribute(folded ? "data-more" : "data-less");
      button.setAttribute("aria-expanded", String(!folded));
      status.textContent = filtered ? status.getAttribute("data-text").replace("{shown}", shown).replace("{all}", rows.length) : "";
    }
    function keyOf(row, column) {
      var cell = row.cells[column];
      return cell.hasAttribute("data-key") ? cell.getAttribute("data-key") : cell.textContent.trim();
    }
    function sort(heading, down) {
      var column = heading.cellIndex;
      var numbers = heading.getAttribute("data-sort") === "number";
      var keys = new Map(rows.map(function (row) { return [row, keyOf(row, column)]; }));
      rows.sort(function (one, other) {
        var a = keys.get(one), b = keys.get(other);
        if (a === "" || b === "") { return (a === "") - (b === ""); } // what is not known comes last, either way
        return (down ? -1 : 1) * (numbers ? a - b : collator.compare(a, b));
      });
      rows.forEach(function (row) { table.tBodies[0].appendChild(row); });
      show();
    }
    table.querySelectorAll("th[data-sort]").forEach(function (heading) {
      var press = document.createElement("button");
      press.type = "button";
      press.append.apply(press, heading.childNodes);
      heading.append(press);
      press.addEventListener("click", function () {
        var down = heading.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(heading, down);
      });
    });
    search.addEventListener("input", show);
    select.addEventListener("change", show);
    button.addEventListener("click", function () { folded = !folded; show(); });
    bar.hidden = false;
    show();
  });
})();
