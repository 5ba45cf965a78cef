// The page works without this: it only folds long tables and lets a reader search them.
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
    var texts = rows.map(function (row) { return row.textContent.toLocaleLowerCase(); });
    function show() {
      var wanted = search.value.trim().toLocaleLowerCase();
      var filtered = wanted !== "" || select.value !== "";
      var shown = 0;
      rows.forEach(function (row, place) {
        var fits = (wanted === "" || texts[place].indexOf(wanted) >= 0) &&
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
    search.addEventListener("input", show);
    select.addEventListener("change", show);
    button.addEventListener("click", function () { folded = !folded; show(); });
    bar.hidden = false;
    show();
  });
})();
