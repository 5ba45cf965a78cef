(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  const test = JSON.parse(at("test").textContent);
  const items = new Map(test.items.map((item) => [item.id, item]));
  const place = "chartropy-listen-" + test.test;
  const sections = ["welcome", "about", "listen", "done"].map(at).filter(Boolean);
  const player = at("player"), play = at("play");
  let state, current, heard, last, url, shown, broken;

  const random = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");

  // the same numbers from the same seed in every browser, so that an order can be made again (mulberry32)
  const drawn = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  // versions of a song do not follow each other, and a clip comes again only after some others
  const faults = (order) => {
    const gap = Math.min(6, Math.floor(order.length / 3));
    let found = 0;
    order.forEach((one, here) => {
      for (let back = 1; back <= gap && back <= here; back++) {
        const other = order[here - back];
        found += one.sound === other.sound || (back === 1 && one.song && one.song === other.song) ? 1 : 0;
      }
    });
    return found;
  };

  const ordered = (seed) => {
    const next = drawn(seed);
    let best, fewest = Infinity;
    for (let attempt = 0; attempt < 500 && fewest; attempt++) {
      const order = [...test.items];
      for (let here = order.length - 1; here > 0; here--) {
        const other = Math.floor(next() * (here + 1));
        [order[here], order[other]] = [order[other], order[here]];
      }
      const wrong = faults(order);
      if (wrong < fewest) [best, fewest] = [order, wrong];
    }
    return best.map((item) => item.id);
  };

  const fresh = () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0];
    return { format: test.format, test: test.test, language: document.documentElement.lang, listener: random(8), seed,
      order: ordered(seed), started: new Date().toISOString(), about: {}, practised: false, answers: [] };
  };
  const keep = () => {
    try { localStorage.setItem(place, JSON.stringify(state)); } catch { at("unkept").textContent = at("unkept").dataset.text; }
  };
  const kept = () => {
    try {
      const found = JSON.parse(localStorage.getItem(place));
      return found && found.test === test.test && found.order.every((id) => items.has(id)) ? found : null;
    } catch { return null; }
  };

  const show = (id) => {
    for (const section of sections) section.hidden = section.id !== id;
    const heading = at(id).querySelector("h1, h2");
    heading.focus();
    window.scrollTo(0, 0);
  };

  const sound = (name) => {
    if (url) URL.revokeObjectURL(url);
    const bytes = Uint8Array.from(atob(at("sound-" + name).textContent), (c) => c.charCodeAt(0));
    url = URL.createObjectURL(new Blob([bytes], { type: test.type }));
    return url;
  };

  const answerable = (yes) => {
    at("scale").disabled = at("next").disabled = !yes;
    at("status").textContent = yes ? at("status").dataset.ready : at("status").dataset.wait;
  };
  const paused = () => { play.textContent = player.paused ? play.dataset.play : play.dataset.pause; };

  const listen = () => {
    const n = state.answers.length;
    if (state.practised && n === test.items.length) { player.pause(); show("done"); return; }
    current = state.practised ? items.get(state.order[n]) : { id: "practice", sound: "practice" };
    at("place").textContent = state.practised
      ? at("place").dataset.text.replace("{n}", n + 1).replace("{all}", test.items.length) : at("place").dataset.practice;
    at("practice").hidden = state.practised;
    at("answer").reset();
    heard = 0; last = 0; shown = performance.now(); broken = false;
    player.src = current.link || sound(current.sound);
    at("time").value = 0;
    answerable(false);
    paused();
    show("listen");
  };

  const tick = () => {
    const now = player.currentTime, step = now - last;
    if (step > 0 && step < 1.5) heard += step;
    last = now;
    at("time").value = Math.min(1, now / test.seconds);
    if (at("scale").disabled && heard >= test.hear) answerable(true);
    if (now >= test.seconds) { player.pause(); player.currentTime = 0; last = 0; }
  };

  play.addEventListener("click", () => { player.paused ? player.play().catch(() => {}) : player.pause(); });
  player.addEventListener("timeupdate", tick);
  player.addEventListener("ended", () => { tick(); last = 0; });
  player.addEventListener("play", paused);
  player.addEventListener("pause", paused);
  // what is shorter than the time asked for is heard when it is over
  player.addEventListener("ended", () => { if (at("scale").disabled && player.duration < test.hear + 0.5) answerable(true); });
  player.addEventListener("error", () => {
    broken = true;
    answerable(false);
    at("next").disabled = false;
    at("status").textContent = at("status").dataset.broken;
  });

  at("answer").addEventListener("submit", (event) => {
    event.preventDefault();
    const rating = new FormData(event.target).get("rating");
    if (!broken && (at("scale").disabled || !rating)) return;
    player.pause();
    if (state.practised) {
      state.answers.push({ item: current.id, place: state.answers.length + 1, rating: broken ? null : Number(rating), broken, known: at("known").checked,
        heard: Math.round(heard * 100) / 100, seconds: Math.round((performance.now() - shown) / 10) / 100 });
    }
    state.practised = true;
    keep();
    listen();
  });

  at("agree").addEventListener("change", () => { at("begin").disabled = !at("agree").checked; });
  at("begin").addEventListener("click", () => {
    keep();
    if (at("about") && !state.practised) show("about"); else listen();
  });
  at("anew").addEventListener("click", () => {
    if (!confirm(at("anew").dataset.sure)) return;
    state = fresh();
    keep();
    at("found").hidden = true;
    at("begin").textContent = begin;
    at("begin").focus();
  });
  if (at("who")) at("who").addEventListener("submit", (event) => {
    event.preventDefault();
    state.about = Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value));
    keep();
    listen();
  });

  at("save").addEventListener("click", () => {
    const { order, practised, ...told } = state;
    const link = document.createElement("a");
    link.download = "answers-" + test.test + "-" + state.listener + ".json";
    link.href = URL.createObjectURL(new Blob([JSON.stringify(told, null, 1) + "\n"], { type: "application/json" }));
    link.click();
    at("saved").textContent = at("saved").dataset.text.replace("{name}", link.download);
  });
  at("forget").addEventListener("click", () => {
    try { localStorage.removeItem(place); } catch { /* nothing was kept */ }
    at("forgotten").textContent = at("forgotten").dataset.text;
  });

  state = kept();
  at("found").hidden = !state;
  const begin = at("begin").textContent;
  if (state) at("begin").textContent = at("begin").dataset.on;
  state = state || fresh();
})();
