// What a person sees and hears on a page, read from the outside: the pixels of a seat's picture,
// the tones of its sound, the large picture. Loaded after identity.js; knows the pages' hooks only.

(function (global) {
  "use strict";

  function* everywhere(root, selector) {
    yield* root.querySelectorAll(selector);
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) yield* everywhere(element.shadowRoot, selector);
    }
  }

  function all(selector) {
    return [...everywhere(document, selector)];
  }

  function area(element) {
    const { width, height } = element.getBoundingClientRect();
    return width * height;
  }

  function videoOf(seat) {
    const tiles = all(`tk-tile[data-seat="${seat}"]`).sort((a, b) => area(b) - area(a));
    return tiles[0]?.shadowRoot?.querySelector("video") ?? null;
  }

  /** `{identity, counter}` of the picture a seat shows now, or null. */
  function markOf(seat) {
    const video = videoOf(seat);
    return video && TongkeIdentity.readVideo(video);
  }

  const seen = new Map();

  /** Has this seat's picture shown this identity with two different counters since `restart`? */
  function moves(seat, identity) {
    const mark = markOf(seat);
    if (!mark || mark.identity !== identity) return false;
    const before = seen.get(seat);
    if (before === undefined) seen.set(seat, mark.counter);
    return before !== undefined && before !== mark.counter;
  }

  /** Have all of these `[seat, identity]` moved since `restart`? */
  function allMove(others) {
    return others.filter(([seat, identity]) => !moves(seat, identity)).length === 0;
  }

  function restart() {
    seen.clear();
  }

  /** When (Unix milliseconds) each of these `[seat, identity]` had moved since now. */
  async function whenAllMove(others) {
    restart();
    const still = new Map(others);
    while (still.size) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (const [seat, identity] of still) if (moves(seat, identity)) still.delete(seat);
    }
    return Date.now();
  }

  /** The tones heard in a seat's sound within some seconds, as it is played. */
  async function tonesOf(seat, seconds) {
    const audio = all(`audio[data-seat="${seat}"]`)[0];
    if (!audio?.srcObject || audio.paused || audio.muted) {
      await new Promise((resolve) => setTimeout(resolve, 250)); // whoever asks, asks again
      return [];
    }
    return TongkeIdentity.listen(audio.srcObject, seconds);
  }

  const listening = new Map();

  /** Begins to listen to several seats at the same time, for `heard`. */
  function hear(seats, seconds) {
    for (const seat of seats) listening.set(seat, tonesOf(seat, seconds));
  }

  /** The tones of each of these seats, once `hear` has heard them. */
  function heard(seats) {
    return Promise.all(seats.map((seat) => listening.get(seat)));
  }

  /** The seat whose picture stands largest. */
  function largest() {
    const tiles = all("tk-tile[data-seat]").sort((a, b) => area(b) - area(a));
    return tiles[0]?.dataset.seat ?? null;
  }

  global.PageProbe = { all, markOf, moves, allMove, restart, hear, heard, whenAllMove, largest };
})(globalThis);
