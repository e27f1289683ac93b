// Plays an exported recording from the disk, without a server: every part follows one clock.
//
// A page from file: loads no modules and fetches nothing, so this is a classic script and the
// recording's data stand in window.TONGKE_RECORDING. All that people wrote is put in as text.
"use strict";

(function () {
  // Ears and lips forgive this much (ITU-R BT.1359: −125 to +45 ms).
  const GOOD_ENOUGH_S = 0.04;
  // Beyond this a change of speed would take too long to be worth it.
  const JUMP_S = 0.6;
  // Strongest change of speed: not heard in speech, as browsers keep the pitch.
  const MOST_CHANGE = 0.08;
  const GAIN = 0.6;
  // A pause of a breath belongs to the lesson; a longer hole is skipped.
  const LONGEST_PAUSE_S = 3;
  const CAPTION_S = 8;
  const STEP_S = 10;
  const LOOK_EVERY_MS = 100;

  const recording = window.TONGKE_RECORDING;
  const element = (id) => document.getElementById(id);
  let language = navigator.language.startsWith("zh") ? "zh" : "en";

  function say(key, name) {
    return window.TONGKE_WORDS[language][key].replace("{name}", () => name || "");
  }

  if (!recording) {
    element("notice").hidden = false;
    element("notice").textContent = say("unpacked");
    return;
  }

  // --- the clock -------------------------------------------------------------------------------

  const clock = { position: 0, at: 0, running: false, speed: 1 };
  let wanted = false; // the person wants it to play; the clock may have to wait for a part

  function now() {
    const gone = clock.running ? ((performance.now() - clock.at) / 1000) * clock.speed : 0;
    return Math.min(recording.duration_s, Math.max(0, clock.position + gone));
  }

  function set(position, running) {
    clock.position = Math.min(recording.duration_s, Math.max(0, position));
    clock.at = performance.now();
    clock.running = running;
  }

  // --- the parts -------------------------------------------------------------------------------

  const views = recording.parts.map((part) => {
    const media = document.createElement(part.has_video ? "video" : "audio");
    media.preload = "auto";
    media.src = part.file;
    media.playsInline = true;
    media.dataset.part = part.file;
    media.tabIndex = -1;
    media.addEventListener("error", () => {
      element("notice").hidden = false;
      element("notice").textContent = say("broken", part.file);
    });
    const frame = document.createElement(part.has_video ? "button" : "div");
    const name = document.createElement("span");
    frame.className = "view";
    if (part.has_video) frame.type = "button";
    frame.append(media, name);
    const view = { part, media, frame, name };
    if (part.has_video) frame.addEventListener("click", () => enlarge(view.part));
    else frame.hidden = true;
    return view;
  });
  const pictures = views.filter((view) => view.part.has_video);
  const seats = [];
  for (const { part } of pictures) if (!seats.includes(placeOf(part))) seats.push(placeOf(part));
  // Whoever sends a teacher's picture leads.
  const lead = ["teacher", "screen"]
    .map((source) => pictures.find(({ part }) => part.source === source))
    .concat(pictures)
    .find(Boolean);
  let large = lead ? placeOf(lead.part) : "";
  let chosen = false; // by the person: then it stays

  /** A seat's picture from one source is one place, however many files it has. */
  function placeOf(part) {
    return part.seat + "\n" + part.source;
  }

  function labelOf(part) {
    const source = part.source in window.TONGKE_WORDS.en ? say(part.source) : part.source;
    return [part.name, source].filter(Boolean).join(" · ");
  }

  function enlarge(part) {
    choose(placeOf(part));
  }

  function choose(place) {
    large = place;
    chosen = true;
    arrange();
    look();
  }

  /** Who leads, as far as there is a picture of theirs; else whoever stands there, or is first. */
  function usual(position) {
    const there = pictures.filter(({ part }) => covers(part, position));
    const places = there.map(({ part }) => placeOf(part));
    const best = [placeOf(lead.part), large].find((place) => places.includes(place));
    return best || places[0] || large;
  }

  function arrange() {
    for (const view of views) {
      const home = view.part.has_video && placeOf(view.part) === large ? "large" : "small";
      // An element that is moved stops playing: only what changes its place is moved.
      if (view.frame.parentElement !== element(home)) element(home).append(view.frame);
    }
  }

  function covers(part, position) {
    return position >= part.start_s && position < part.start_s + part.duration_s;
  }

  /** Makes every part follow the clock; whether all that cover this moment can go on. */
  function look() {
    let position = now();
    if (wanted && !views.some(({ part }) => covers(part, position))) {
      const next = Math.min(
        ...views.map(({ part }) => part.start_s).filter((start) => start > position),
      );
      if (next - position > LONGEST_PAUSE_S && Number.isFinite(next)) {
        set(next, clock.running);
        position = next;
      }
    }
    if (!chosen && lead && usual(position) !== large) {
      large = usual(position);
      arrange();
    }
    let ready = true;
    for (const view of views) {
      const shown = covers(view.part, position);
      if (view.part.has_video) view.frame.hidden = !shown;
      if (!shown) {
        view.media.pause();
        continue;
      }
      const target = position - view.part.start_s;
      const ahead = view.media.currentTime - target;
      const far = Math.abs(ahead) > (wanted ? JUMP_S * Math.max(1, clock.speed) : GOOD_ENOUGH_S);
      if (far && !view.media.seeking) view.media.currentTime = target;
      if (view.media.error) continue;
      const left = view.part.duration_s - target;
      // A file may end a frame before its part does: nothing more is to be waited for.
      if ((view.media.seeking || view.media.readyState < 3) && left > 0.25) ready = false;
    }
    element("nothing").hidden = views.some(({ part }) => covers(part, position));
    if (wanted && position >= recording.duration_s) wanted = false;
    const running = wanted && ready;
    if (running !== clock.running) set(position, running);
    for (const { part, media } of views) {
      if (!covers(part, position) || media.error) continue;
      if (!running) {
        media.pause();
        continue;
      }
      const ahead = media.currentTime - (position - part.start_s);
      const change = Math.max(-MOST_CHANGE, Math.min(MOST_CHANGE, -ahead * GAIN));
      media.playbackRate = clock.speed * (Math.abs(ahead) <= GOOD_ENOUGH_S ? 1 : 1 + change);
      if (media.paused && !media.ended) media.play().catch(refused);
    }
    show(position);
  }

  /** A browser plays sound only after a person asked for it. */
  function refused(error) {
    if (error.name === "NotAllowedError") wanted = false;
  }

  // --- what is beside the pictures ---------------------------------------------------------------

  let captionsOn = true;

  function show(position) {
    element("play").textContent = say(wanted ? "pause" : "play");
    if (document.activeElement !== element("seek") || wanted) element("seek").value = position;
    element("seek").setAttribute("aria-valuetext", clockTime(position));
    element("time").textContent = clockTime(position) + " / " + clockTime(recording.duration_s);
    const said = recording.chat.filter((line) => line.at_s <= position).pop();
    const shown = captionsOn && said && position - said.at_s < CAPTION_S;
    const text = shown ? [said.name, said.text].filter(Boolean).join(": ") : "";
    if (element("caption").textContent !== text) element("caption").textContent = text;
    const current = recording.chapters.filter((chapter) => chapter.at_s <= position + 0.05).length;
    [...element("chapters").children].forEach((item, number) => {
      const button = item.firstElementChild;
      if (number === current - 1) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
  }

  function clockTime(seconds) {
    const whole = Math.floor(seconds);
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    return (hours ? hours + ":" : "") + two(Math.floor(whole / 60) % 60) + ":" + two(whole % 60);
  }

  function listed(list, entries) {
    list.replaceChildren(
      ...entries.map(({ at, text }) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = clockTime(at) + "  " + text;
        button.addEventListener("click", () => seek(at));
        item.append(button);
        return item;
      }),
    );
  }

  function speak() {
    document.documentElement.lang = say("html");
    document.title = recording.title || "Tongke 同课";
    element("title").textContent = recording.title || "Tongke 同课";
    const began = new Date(recording.began_at * 1000);
    const when = Number.isNaN(began.getTime())
      ? ""
      : began.toLocaleString(say("html"), { dateStyle: "long", timeStyle: "short" });
    element("about").textContent = [
      recording.subject,
      recording.grade,
      recording.teacher,
      ...recording.schools,
      when,
    ]
      .filter(Boolean)
      .join(" · ");
    for (const [id, key] of [
      ["language", "language"],
      ["captions", "captions"],
      ["speed-word", "speed"],
      ["chapters-word", "chapters"],
      ["chat-word", "chat"],
      ["keys", "keys"],
      ["nothing", "nothing"],
    ])
      element(id).textContent = say(key);
    element("seek").setAttribute("aria-label", say("seek"));
    if (recording.incomplete) {
      element("notice").hidden = false;
      element("notice").textContent = say("incomplete");
    }
    for (const { part, frame, name } of pictures) {
      name.textContent = labelOf(part);
      frame.setAttribute("aria-label", say("enlarge", labelOf(part)));
    }
    const chapters = recording.chapters.map(({ kind, at_s: at, name }) => {
      const key = kind === "screen" || kind === "pause" ? kind + "_chapter" : kind;
      return { at, text: say(key, name) };
    });
    listed(element("chapters"), chapters);
    element("chat-word").hidden = recording.chat.length === 0;
    const chat = recording.chat.map(({ at_s: at, name, text }) => ({
      at,
      text: [name, text].filter(Boolean).join(": "),
    }));
    listed(element("chat"), chat);
    look();
  }

  // --- what people do ------------------------------------------------------------------------------

  function seek(position) {
    set(position, clock.running);
    // Where it plays on, each part is put where it belongs at once.
    for (const { part, media } of views)
      if (covers(part, clock.position)) media.currentTime = clock.position - part.start_s;
    look();
  }

  function toggle() {
    wanted = !wanted;
    if (wanted && now() >= recording.duration_s) seek(0);
    if (!wanted) set(now(), false);
    look();
  }

  element("play").addEventListener("click", toggle);
  element("seek").max = recording.duration_s;
  element("seek").addEventListener("input", () => seek(Number(element("seek").value)));
  element("speed").addEventListener("change", () => {
    set(now(), clock.running);
    clock.speed = Number(element("speed").value);
  });
  element("captions").addEventListener("click", () => {
    captionsOn = !captionsOn;
    element("captions").setAttribute("aria-pressed", String(captionsOn));
    look();
  });
  element("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    speak();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const on = event.target instanceof Element ? event.target.tagName : "";
    const digit = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
    if (event.key === " " && on !== "BUTTON" && on !== "SELECT") toggle();
    else if (event.key === "ArrowLeft" && on !== "SELECT") seek(now() - STEP_S);
    else if (event.key === "ArrowRight" && on !== "SELECT") seek(now() + STEP_S);
    else if (digit && digit <= seats.length && on !== "SELECT") {
      choose(seats[digit - 1]);
    } else return;
    event.preventDefault();
  });

  speak();
  arrange();
  look();
  setInterval(look, LOOK_EVERY_MS);

  // For whoever looks from outside (and our tests): where it stands, and where to.
  window.tongkePlayer = { now, seek, toggle, playing: () => clock.running };
})();
