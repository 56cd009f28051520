(function () {
  "use strict";
  document.querySelectorAll("button[data-copy]").forEach(function (button) {
    if (!navigator.clipboard) { return; }
    button.hidden = false;
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(button.previousElementSibling.textContent).then(function () {
        button.textContent = "Copied";
        setTimeout(function () { button.textContent = "Copy"; }, 1500);
      });
    });
  });
  var plot = document.querySelector("svg.plot");
  var text = document.getElementById("data");
  if (!plot || !text) { return; }
  var data = JSON.parse(text.textContent);
  var cross = document.getElementById("cross");
  var height = plot.viewBox.baseVal.height;
  var tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.appendChild(tip);
  // The browser's own tooltips would stand beside ours: their words move into an attribute.
  plot.querySelectorAll(".tip title").forEach(function (title) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  });
  document.getElementById("tl-title").remove();
  plot.setAttribute("aria-label", "Timeline of the run");
  plot.setAttribute("aria-labelledby", "tl-desc");
  function time(ms) {
    return ms >= 1000 ? (ms / 1000).toFixed(2) + " s" : ms.toFixed(ms >= 10 ? 0 : 1) + " ms";
  }
  function figures(ms) {
    var row = data.rows[Math.floor(ms / data.step)];
    if (!row) { return ""; }
    var words = "\n" + Math.round(row[1] * 1000 / data.step) + "/s done";
    if (row[2]) { words += ", " + Math.round(row[2] * 1000 / data.step) + "/s failed"; }
    if (row[3] !== null) { words += "\np50 " + time(row[3]) + ", p99 " + time(row[4]); }
    return words;
  }
  plot.addEventListener("pointermove", function (event) {
    var box = plot.getBoundingClientRect();
    var x = (event.clientX - box.left) * data.full / box.width;
    var ms = Math.min(Math.max((x - data.left) / data.width, 0), 1) * data.span;
    cross.setAttribute("d", "M" + x.toFixed(1) + " 18V" + height);
    var owner = event.target.closest("[data-tip]");
    tip.textContent = (owner ? owner.dataset.tip + "\n" : "") + "at " + time(ms) + figures(ms);
    tip.hidden = false;
    var wide = tip.offsetWidth;
    var left = event.clientX + 14;
    if (left + wide > innerWidth - 8) { left = event.clientX - wide - 14; }
    tip.style.left = Math.max(left, 8) + "px";
    tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8) + "px";
  });
  plot.addEventListener("pointerleave", function () {
    tip.hidden = true;
    cross.setAttribute("d", "M0 0");
  });
}());
