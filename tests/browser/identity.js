// Reads who sent a picture or a sound from a page's own pixels and samples, and draws such pictures.
//
// The same marks as server/simulate/identity.py, which explains them; a test holds the two to each
// other. Load it into a page (or Node) as a plain script: it defines `TongkeIdentity`.

(function (global) {
  "use strict";
  const COLUMNS = 20;
  const ROW_FRACTION = 24;
  const LEAST_CONTRAST = 60;
  const LOWEST_TONE_HZ = 400;
  const TONE_STEP_HZ = 25;
  const TONES = 16;

  // As Python rounds: halves to the even number.
  function round(value) {
    const floor = Math.floor(value);
    if (value - floor !== 0.5) return Math.round(value);
    return floor % 2 === 0 ? floor : floor + 1;
  }

  function stripRows(height) {
    return [height - round((2 * height) / ROW_FRACTION), height - round(height / ROW_FRACTION), height];
  }

  function crc12(value) {
    // 36 bits do not fit JavaScript's bit operations: divide bit by bit.
    let remainder = 0;
    for (let bit = 23; bit >= -12; bit -= 1) {
      const next = bit >= 0 ? (value >>> bit) & 1 : 0;
      remainder = (remainder << 1) | next;
      if (remainder & 0x1000) remainder ^= 0x180f;
    }
    return remainder;
  }

  function rowMeans(data, width, from, to) {
    const high = to - from;
    const top = from + Math.floor(high / 4);
    const bottom = Math.max(to - Math.floor(high / 4), top + 1);
    const means = [];
    for (let column = 0; column < COLUMNS; column += 1) {
      const left = round((column * width) / COLUMNS);
      const right = round(((column + 1) * width) / COLUMNS);
      const quarter = Math.floor((right - left) / 4);
      let sum = 0;
      let count = 0;
      for (let y = top; y < bottom; y += 1) {
        for (let x = left + quarter; x < right - quarter; x += 1) {
          const at = 4 * (y * width + x);
          sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
          count += 1;
        }
      }
      means.push(sum / count);
    }
    return means;
  }

  /** The mark of an ImageData (RGBA): `{identity, counter}`, or null. */
  function readMark(image) {
    const { data, width, height } = image;
    if (width < 2 * COLUMNS || height < ROW_FRACTION) return null;
    const [top, middle, bottom] = stripRows(height);
    const first = rowMeans(data, width, top, middle);
    const second = rowMeans(data, width, middle, bottom);
    const white = (first[0] + second[1]) / 2;
    const black = (first[1] + second[0]) / 2;
    if (white - black < LEAST_CONTRAST) return null;
    const bits = [...first.slice(2), ...second.slice(2)].map((mean) => (mean > (white + black) / 2 ? 1 : 0));
    const number = (part) => part.reduce((sum, bit) => sum * 2 + bit, 0);
    const value = number(bits.slice(0, 24));
    if (crc12(value) !== number(bits.slice(24))) return null;
    return { identity: value >>> 16, counter: value & 0xffff };
  }

  /** The mark a <video> shows now, read at its decoded size; null without a picture or a mark. */
  function readVideo(video) {
    const width = video.videoWidth;
    const height = video.videoHeight;
    if (!width || !height) return null;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0, width, height);
    return readMark(context.getImageData(0, 0, width, height));
  }

  function bits(value, count) {
    return Array.from({ length: count }, (_, at) => Math.floor(value / 2 ** (count - 1 - at)) % 2);
  }

  function cells(identity, counter) {
    const value = ((identity << 16) | counter % 65536) >>> 0;
    const word = [...bits(value, 24), ...bits(crc12(value), 12)];
    return [[1, 0, ...word.slice(0, 18)], [0, 1, ...word.slice(18)]];
  }

  /** Draw a picture in which something moves, with its mark, over a whole canvas. */
  function draw(context, identity, counter) {
    const { width, height } = context.canvas;
    context.fillStyle = "#678";
    context.fillRect(0, 0, width, height);
    context.fillStyle = "#ca8";
    context.fillRect((counter * 4) % width, 40, 40, 60);
    const rows = stripRows(height);
    cells(identity, counter).forEach((row, line) =>
      row.forEach((white, column) => {
        context.fillStyle = white ? "rgb(238,238,238)" : "rgb(16,16,16)";
        const left = round((column * width) / COLUMNS);
        const right = round(((column + 1) * width) / COLUMNS);
        context.fillRect(left, rows[line], right - left, rows[line + 1] - rows[line]);
      }),
    );
  }

  /** The samples under a Hann window, and what the window weighs. */
  function windowed(samples) {
    const weighted = new Float64Array(samples.length);
    let weight = 0;
    for (let i = 0; i < samples.length; i += 1) {
      const part = 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (samples.length + 1));
      weighted[i] = samples[i] * part;
      weight += part;
    }
    return { weighted, weight };
  }

  // Goertzel's recurrence: no sine per sample, as pages listen while they play.
  function levelAt({ weighted, weight }, rate, hz) {
    const turn = 2 * Math.cos((2 * Math.PI * hz) / rate);
    let last = 0;
    let before = 0;
    for (let i = 0; i < weighted.length; i += 1) {
      const next = weighted[i] + turn * last - before;
      before = last;
      last = next;
    }
    const power = last * last + before * before - turn * last * before;
    return (2 * Math.sqrt(Math.max(0, power))) / weight;
  }

  /** The tone numbers (identity modulo 16) in mono samples of full scale ±1, at least 0.5 s. */
  function heardTones(samples, rate, least = 0.004) {
    if (samples.length < Math.floor(rate / 5)) return [];
    const heard = [];
    const sound = windowed(samples);
    for (let tone = 0; tone < TONES; tone += 1) {
      const hz = LOWEST_TONE_HZ + TONE_STEP_HZ * tone;
      const level = levelAt(sound, rate, hz);
      if (level <= least) continue;
      const beside = Math.max(
        levelAt(sound, rate, hz - TONE_STEP_HZ / 2),
        levelAt(sound, rate, hz + TONE_STEP_HZ / 2),
      );
      if (level > 2 * beside) heard.push(tone);
    }
    return heard;
  }

  /** Listen to a MediaStream for so many seconds; resolves with the tones heard in it. */
  async function listen(stream, seconds = 2) {
    const context = new AudioContext();
    try {
      await context.resume();
      const analyser = new AnalyserNode(context, { fftSize: 32768, smoothingTimeConstant: 0 });
      const source = context.createMediaStreamSource(stream);
      source.connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      const heard = new Set();
      const end = performance.now() + seconds * 1000;
      while (performance.now() < end) {
        // The analyser holds two thirds of a second: nothing is missed.
        await new Promise((resolve) => setTimeout(resolve, 500));
        analyser.getFloatTimeDomainData(samples);
        for (const tone of heardTones(samples, context.sampleRate)) heard.add(tone);
      }
      return [...heard].sort((a, b) => a - b);
    } finally {
      await context.close();
    }
  }

  /** Frames from `earlier` to `later` over the wrap; negative when it is before. */
  function counterStep(earlier, later) {
    const step = (later - earlier + 65536) % 65536;
    return step >= 32768 ? step - 65536 : step;
  }

  global.TongkeIdentity = { readMark, readVideo, draw, heardTones, listen, counterStep, crc12 };
})(globalThis);
