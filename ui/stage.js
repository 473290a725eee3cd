// The stage in the browser: `element`, `props`, `trigger` and `watch` are gradio's. `props.value` is what
// `trajvlm.ui.stage.scene` returns; a gesture is sent back as the data of a `submit` event.

const clear = (node) => { while (node.firstChild) node.firstChild.remove(); };

const make = (kind, names = {}, ...inside) => {
  const node = document.createElement(kind);
  for (const [name, value] of Object.entries(names)) {
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...inside);
  return node;
};

const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

// What stays when the answer changes and the film does not; `sent` is the gesture that waits for its answer.
let address = null, strip_of = null, beyond = [1, 1], kept = {}, watching = null;

const raise = (scene) => {
  const root = element.querySelector(".stage");
  if (!root) return;
  const focused = root.contains(document.activeElement);
  clear(root);
  watching?.disconnect();
  if (!scene || !scene.times) return;
  if (scene.film) {
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([bytes(scene.film)], { type: "video/mp4" }));
    strip_of = scene.strip;
    beyond = scene.beyond;
    kept = {};
  }

  const { times, track, width, height } = scene, last = times.length - 1;
  const seen = new Map(track.map((row) => [row[0], row]));
  const answer = scene.phases.find((phase) => phase.answer);
  const frameAt = (time) => {
    let best = 0;
    for (let k = 1; k <= last; k++) if (Math.abs(times[k] - time) < Math.abs(times[best] - time)) best = k;
    return best;
  };
  let now = Math.min(kept.now ?? frameAt(answer ? answer.start : times[0]), last), aim = [width / 2, height / 2];
  let mode = null, marks = [];
  let span = answer ? [answer.start, answer.stop] : [times[0], times[last]], moved = false;

  // The picture.
  const video = make("video", { muted: true, playsinline: true, preload: "auto", tabindex: "-1", "aria-hidden": "true" });
  video.muted = true;
  video.src = address;
  const canvas = make("canvas", { "aria-hidden": "true" });
  const picture = make("div", {
    class: "picture", tabindex: "0", role: "application",
    "aria-label": `Frames of ${scene.name}. Arrow keys step from frame to frame.`,
  }, video, canvas);
  const told = make("span", { class: "now", role: "status", "aria-live": "polite" });
  const hint = make("div", { class: "hint", role: "status", hidden: true });

  const frame = () => {
    // Where the picture lies in its element, which is as wide as the page.
    const box = picture.getBoundingClientRect(), wide = width * beyond[0], high = height * beyond[1];
    const scale = Math.min(box.width / wide, box.height / high);
    return { scale, left: (box.width - scale * wide) / 2, top: (box.height - scale * high) / 2, box };
  };
  const draw = () => {
    const { scale, left, top, box } = frame(), dense = window.devicePixelRatio || 1;
    canvas.width = box.width * dense;
    canvas.height = box.height * dense;
    const pen = canvas.getContext("2d");
    pen.setTransform(dense * scale, 0, 0, dense * scale, dense * left, dense * top);
    const thin = 1 / scale;
    const line = (points, colour, wide) => {
      pen.beginPath();
      points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.strokeStyle = colour;
      pen.lineWidth = wide * thin;
      pen.stroke();
    };
    line(scene.curve, "rgba(255,255,255,0.8)", 4);
    line(scene.curve, "#e4572e", 2);
    pen.fillStyle = "#2f6fde";
    for (const [, x, y] of track) pen.fillRect(x - 1.5 * thin, y - 1.5 * thin, 3 * thin, 3 * thin);
    const ring = (x, y, r, colour) => {
      pen.beginPath();
      pen.arc(x, y, Math.max(r, 5 * thin), 0, 7);
      pen.strokeStyle = "#fff";
      pen.lineWidth = 4 * thin;
      pen.stroke();
      pen.strokeStyle = colour;
      pen.lineWidth = 2 * thin;
      pen.stroke();
    };
    const here = seen.get(now);
    if (here) ring(here[1], here[2], here[3], "#2f6fde");
    for (const [x, y, t] of scene.objects) if (now === frameAt(t)) ring(x, y, 14 * thin, "#e0a100");
    const cross = ([x, y], colour) => {
      for (const [wide, shade] of [[4, "#fff"], [2, colour]]) {
        line([[x - 10 * thin, y], [x + 10 * thin, y]], shade, wide);
        line([[x, y - 10 * thin], [x, y + 10 * thin]], shade, wide);
      }
    };
    if (marks.length === 2) { line(marks, "#fff", 5); line(marks, "#2a9d5c", 3); }
    for (const mark of marks) cross(mark, "#2a9d5c");
    if (mode && document.activeElement === picture && !picture.classList.contains("mouse")) cross(aim, "#e4572e");
  };

  const say = () => {
    const row = seen.get(now);
    let words = `frame ${now + 1} of ${last + 1}, ${times[now].toFixed(3)} s`;
    if (row) words += `: x ${row[1].toFixed(1)}, y ${row[2].toFixed(1)} px`;
    if (row && row[4] !== null) words += `; ${row[4].toFixed(2)} px from the curve`;
    else if (row) words += "; no curve runs here";
    else if (track.length) words += ": the object is not seen";
    told.textContent = words;
  };
  const show = (k) => {
    kept.now = now = Math.min(last, Math.max(0, k));
    const at = (now + 0.5) / scene.rate;
    if (Math.abs(video.currentTime - at) > 1e-3) video.currentTime = at;
    place();
    say();
    draw();
  };

  // Pointing and the stick.
  const length = make("input", { type: "text", placeholder: "1 m", "aria-label": "How long the stick is, with its unit" });
  const set = make("button", { type: "button", text: "Set", onclick: () => sendStick() });
  const stick = make("span", { class: "stick", hidden: true }, make("span", { text: "It is" }), length, set);
  length.addEventListener("keydown", (key) => { if (key.key === "Enter") { key.preventDefault(); sendStick(); } });
  // The focus stays on the stage, so that the page stays there as well. Marks stay until the answer is there: it may be
  // that the length can't be read.
  const send = (gesture) => { kept.sent = gesture.kind; trigger("submit", gesture); picture.focus({ preventScroll: true }); };
  const sendStick = () => {
    if (!length.value.trim()) { length.focus(); return; }
    send({ kind: "stick", ends: [...marks[0], ...marks[1]], length: length.value });
  };
  const HINTS = {
    point: scene.objects.length
      ? "Several things move: click the one that is meant, in any frame."
      : "Click the object, or move the cross with the arrow keys and press Enter; Escape ends it.",
    stick: "Click both ends of something whose length you know; with keys: arrows, then Enter.",
  };
  const buttons = {
    point: make("button", { type: "button", text: "Point at the object", "aria-pressed": "false" }),
    stick: make("button", { type: "button", text: "Lay a stick", "aria-pressed": "false" }),
  };
  const turn = (wanted) => {
    mode = wanted;
    marks = [];
    stick.hidden = true;
    for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === mode));
    kept.mode = mode;
    kept.marks = marks;
    hint.hidden = !mode;
    hint.textContent = mode ? HINTS[mode] : "";
    picture.classList.toggle("aims", Boolean(mode));
    draw();
  };
  for (const [name, button] of Object.entries(buttons))
    button.addEventListener("click", () => { turn(mode === name ? null : name); if (mode) picture.focus(); });
  const mark = (x, y) => {
    if (x < 0 || y < 0 || x > width || y > height) return;
    if (mode === "point") {
      // A ring stands where the object is when it is first seen.
      const near = scene.objects.find(([a, b, t]) => now === frameAt(t) && Math.hypot(a - x, b - y) * frame().scale < 24);
      send({ kind: "point", place: near ?? [x, y, times[now]] });
    }
    if (mode === "stick") {
      marks = kept.marks = marks.length === 2 ? [[x, y]] : [...marks, [x, y]];
      stick.hidden = marks.length < 2;
      draw();
      if (marks.length === 2) length.focus();
    }
  };
  picture.addEventListener("click", (click) => {
    const { scale, left, top, box } = frame();
    picture.classList.add("mouse");
    mark((click.clientX - box.left - left) / scale, (click.clientY - box.top - top) / scale);
  });

  // Keys.
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  picture.addEventListener("keydown", (key) => {
    const step = STEPS[key.key];
    picture.classList.remove("mouse");
    if (mode && step) {
      const far = (key.shiftKey ? 1 : width / 60);
      aim = [Math.min(width, Math.max(0, aim[0] + far * step[0])), Math.min(height, Math.max(0, aim[1] + far * step[1]))];
      draw();
    } else if (step && step[0]) show(now + step[0] * (key.shiftKey ? 10 : 1));
    else if (key.key === "Home") show(0);
    else if (key.key === "End") show(last);
    else if (mode && key.key === "Enter") mark(...aim);
    else if (mode && key.key === "Escape") turn(null);
    else return;
    key.preventDefault();
  });
  picture.addEventListener("focus", draw);
  picture.addEventListener("blur", draw);

  // The strip, with the window and the phases.
  const share = (time) => (100 * (time - times[0])) / Math.max(times[last] - times[0], 1e-9);
  const timeAt = (x, box) => times[0] + Math.min(1, Math.max(0, (x - box.left) / box.width)) * (times[last] - times[0]);
  const before = make("div", { class: "out" }), after = make("div", { class: "out" }), at = make("div", { class: "at" });
  const grips = ["start", "end"].map((name) => make("button", {
    type: "button", class: "grip", role: "slider", "aria-label": `${name} of the window, in seconds`,
  }));
  const strip = make("div", { class: "strip", "aria-label": "All of the video" }, before, after, at, ...grips);
  strip.style.backgroundImage = `url(data:image/jpeg;base64,${strip_of})`;
  const look = make("button", {
    type: "button", text: "Describe this stretch", hidden: true,
    onclick: () => send({ kind: "window", span }),
  });
  const place = () => {
    before.style.cssText = `left:0;width:${share(span[0])}%`;
    after.style.cssText = `right:0;width:${100 - share(span[1])}%`;
    at.style.left = `${share(times[now])}%`;
    grips.forEach((grip, k) => {
      grip.style.left = `${share(span[k])}%`;
      grip.setAttribute("aria-valuemin", times[0].toFixed(2));
      grip.setAttribute("aria-valuemax", times[last].toFixed(2));
      grip.setAttribute("aria-valuenow", span[k].toFixed(2));
      grip.setAttribute("aria-valuetext", `${span[k].toFixed(2)} s`);
    });
    look.hidden = !moved;
    look.textContent = `Describe ${span[0].toFixed(2)} to ${span[1].toFixed(2)} s`;
  };
  const widen = (k, time) => {
    const shortest = (times[last] - times[0]) / Math.max(last, 1) * 2;
    span = k === 0 ? [Math.min(time, span[1] - shortest), span[1]] : [span[0], Math.max(time, span[0] + shortest)];
    span = [Math.max(times[0], span[0]), Math.min(times[last], span[1])];
    moved = true;
    show(frameAt(span[k]));
  };
  grips.forEach((grip, k) => {
    grip.addEventListener("pointerdown", (down) => { grip.setPointerCapture(down.pointerId); down.stopPropagation(); });
    grip.addEventListener("pointermove", (move) => {
      if (grip.hasPointerCapture(move.pointerId)) widen(k, timeAt(move.clientX, strip.getBoundingClientRect()));
    });
    grip.addEventListener("keydown", (key) => {
      const step = STEPS[key.key];
      if (!step) return;
      key.preventDefault();
      const way = step[0] || -step[1];
      widen(k, times[Math.min(last, Math.max(0, frameAt(span[k]) + way * (key.shiftKey ? 10 : 1)))]);
    });
  });
  strip.addEventListener("pointerdown", (down) => {
    if (down.button) return;
    strip.setPointerCapture(down.pointerId);
    show(frameAt(timeAt(down.clientX, strip.getBoundingClientRect())));
  });
  strip.addEventListener("pointermove", (move) => {
    if (strip.hasPointerCapture(move.pointerId)) show(frameAt(timeAt(move.clientX, strip.getBoundingClientRect())));
  });
  const phases = make("div", { class: "phases" }, ...scene.phases.map((phase) => {
    const button = make("button", {
      type: "button", class: phase.answer ? "answer" : "", text: phase.name, title: phase.words, "aria-label": phase.words,
      onclick: () => { span = [phase.start, phase.stop]; moved = !phase.answer; show(frameAt(phase.start)); },
    });
    button.style.left = `${share(phase.start)}%`;
    button.style.width = `${Math.max(share(phase.stop) - share(phase.start), 1.5)}%`;
    return button;
  }));

  const answered = make("div", { class: "told" },
    make("span", { class: "head", text: scene.head, title: scene.meaning }),
    ...scene.numbers.map((text) => make("span", { class: "number", text })),
    ...(scene.depth ? [make("span", { class: "hint", text: scene.depth })] : []),
    ...(scene.careful ? [make("span", { class: "careful", text: scene.careful })] : []));
  const steps = [["Frame before", -1, "‹"], ["Frame after", 1, "›"]].map(([name, by, text]) =>
    make("button", { type: "button", "aria-label": name, text, onclick: () => show(now + by) }));
  root.append(answered, picture, make("div", { class: "bar" }, ...steps, told),
    strip, ...(scene.phases.length > 1 ? [phases] : []),
    make("div", { class: "bar" }, buttons.point, buttons.stick, stick, look), hint);
  video.addEventListener("loadeddata", () => show(now));
  video.addEventListener("seeked", draw);
  length.addEventListener("input", () => { kept.words = length.value; });
  watching = new ResizeObserver(draw);
  watching.observe(picture);
  show(now);
  const { sent, mode: before_mode, marks: before_marks, words } = kept;
  kept.sent = null;
  if (scene.objects.length) turn("point");
  else if (before_mode && before_mode !== sent) {
    // An answer to something else came while a stick was laid.
    turn(before_mode);
    marks = kept.marks = before_marks;
    length.value = words ?? "";
    stick.hidden = marks.length < 2;
    draw();
  } else turn(null);
  if (focused) picture.focus({ preventScroll: true });
  if (scene.film) document.dispatchEvent(new Event("stage"));
};

watch("value", () => raise(props.value));
raise(props.value);
