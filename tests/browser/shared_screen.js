// A screen to be shared, with slides on it, over which a pointer moves all the time.
//
// Takes the place of `getDisplayMedia`. Like a real one it gives a picture when something moved. When
// which slide was shown is kept: `SharedScreen.shown`, [number, Unix seconds].

(function (global) {
  "use strict";
  const WIDTH = 1280;
  const HEIGHT = 720;
  const MOVED_MS = 200;
  const WORDS = "half quarter third whole sum cake line part equal more less share count piece".split(" ");

  const shown = [];
  let page = 1;

  /** A title and some lines; the same for the same number. */
  function drawSlide(context) {
    let seed = page * 7919;
    const word = () => WORDS[(seed = (seed * 16807) % 2147483647) % WORDS.length];
    context.fillStyle = "#fdfdfb";
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = "#1a2a33";
    context.font = "bold 56px sans-serif";
    context.fillText(`${word()} ${word()} ${word()}`, 80, 110);
    context.font = "36px sans-serif";
    for (let line = 0; line < 5; line++) {
      const words = Array.from({ length: 6 }, word).join(" ");
      context.fillText(words, 100, 220 + 90 * line);
    }
  }

  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
    const context = canvas.getContext("2d");
    const track = new MediaStreamTrackGenerator({ kind: "video" });
    const writer = track.writable.getWriter();
    let moves = 0;
    const timer = setInterval(() => {
      if (track.readyState === "ended") return clearInterval(timer);
      if (writer.desiredSize <= 0) return;
      drawSlide(context);
      moves += 1;
      context.fillStyle = "#000";
      context.fillRect((moves * 61) % WIDTH, (moves * 43) % HEIGHT, 16, 24);
      const timestamp = Math.round(performance.now() * 1000);
      void writer.write(new VideoFrame(canvas, { timestamp })).catch(() => undefined);
    }, MOVED_MS);
    return new MediaStream([track]);
  };

  /** From now on the screen shows this slide. */
  function show(number) {
    page = number;
    shown.push([number, (performance.timeOrigin + performance.now()) / 1000]);
  }

  global.SharedScreen = { show, shown };
})(globalThis);
