// What a person sees and hears over a time: every picture a seat's video shows, and the seat's tone
// in every 40 ms of its sound as it is played. Loaded after page_probe.js. `diagnosis` tells what
// the connections say of themselves; nothing is judged by it.

(function (global) {
  "use strict";

  const WINDOW_S = 0.04; // two Opus frames: a lost word is many of these
  const HEARD = 0.01; // a tenth of the voice's level; comfort noise is far below
  const STILL_S = 0.7; // longer than the pauses of the smallest layer
  const WATCH_MS = 200; // elements come and go with the layout
  // The marks are wide stripes: a small copy shows them as well, for a tenth of the work.
  const COPY = { width: 320, height: 180 };

  const pictures = new Map();
  const sounds = new Map();
  const peers = new Set();

  const describe = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    peers.add(this);
    return describe.call(this, description);
  };

  function area(element) {
    const { width, height } = element.getBoundingClientRect();
    return width * height;
  }

  function videoOf(seat) {
    const tiles = PageProbe.all(`tk-tile[data-seat="${seat}"]`).sort((a, b) => area(b) - area(a));
    return tiles[0]?.shadowRoot?.querySelector("video") ?? null;
  }

  class PictureWatch {
    constructor(seat, identity) {
      this.identity = identity;
      this.frames = []; // [when, counter, width]
      this.video = null;
      const canvas = new OffscreenCanvas(COPY.width, COPY.height);
      this.context = canvas.getContext("2d", { willReadFrequently: true });
      this.timer = setInterval(() => this.follow(videoOf(seat)), WATCH_MS);
    }

    follow(video) {
      if (!video || video === this.video) return;
      this.video = video;
      const next = () => {
        if (video !== this.video) return;
        this.look(video);
        video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
    }

    look(video) {
      this.context.drawImage(video, 0, 0, COPY.width, COPY.height);
      const mark = TongkeIdentity.readMark(this.context.getImageData(0, 0, COPY.width, COPY.height));
      const last = this.frames.at(-1);
      if (mark?.identity !== this.identity || mark.counter === last?.[1]) return;
      this.frames.push([performance.now() / 1000, mark.counter, video.videoWidth]);
    }

    report(since, until) {
      const seen = this.frames.filter(([when]) => when >= since && when <= until);
      const moments = [since, ...seen.map(([when]) => when), until];
      const still = moments.slice(1).map((when, index) => when - moments[index]);
      const widths = seen.map(([, , width]) => width).sort((a, b) => a - b);
      return {
        rate: seen.length / (until - since),
        longest_still_s: Math.max(...still),
        width: widths[widths.length >> 1] ?? 0,
        least_width: widths[0] ?? 0,
        last_width: seen.at(-1)?.[2] ?? 0,
      };
    }
  }

  /** Measures a tone's level in so many samples; the sines are computed once. */
  function levelMeter(length, rate, hz) {
    const wave = (sine) =>
      Float64Array.from({ length }, (_, i) => {
        const window = 1 - Math.cos((2 * Math.PI * (i + 0.5)) / length);
        return window * sine((2 * Math.PI * hz * i) / rate);
      });
    const [cosine, sine] = [wave(Math.cos), wave(Math.sin)];
    return (samples) => {
      let real = 0;
      let imaginary = 0;
      for (let i = 0; i < length; i += 1) {
        real += samples[i] * cosine[i];
        imaginary += samples[i] * sine[i];
      }
      return (2 * Math.hypot(real, imaginary)) / length;
    };
  }

  class SoundWatch {
    constructor(seat, identity) {
      this.hz = 400 + 25 * (identity % 16);
      this.windows = []; // [when, level]
      this.track = null;
      this.samples = [];
      this.timer = setInterval(() => {
        const audio = PageProbe.all(`audio[data-seat="${seat}"]`)[0];
        const playing = audio?.srcObject && !audio.paused && !audio.muted;
        this.follow(playing ? audio.srcObject.getAudioTracks()[0] : null);
      }, WATCH_MS);
    }

    follow(track) {
      if (!track || track === this.track) return;
      this.track = track;
      this.meter = null; // of another rate, maybe
      void this.listen(track, new MediaStreamTrackProcessor({ track }).readable.getReader());
    }

    async listen(track, reader) {
      while (track === this.track) {
        const { value, done } = await reader.read();
        if (done) return;
        const plane = new Float32Array(value.numberOfFrames);
        value.copyTo(plane, { planeIndex: 0, format: "f32-planar" });
        const rate = value.sampleRate;
        value.close();
        for (const sample of plane) this.samples.push(sample);
        const length = Math.round(WINDOW_S * rate);
        this.meter ??= levelMeter(length, rate, this.hz);
        while (this.samples.length >= length) {
          this.windows.push([performance.now() / 1000, this.meter(this.samples.splice(0, length))]);
        }
      }
    }

    report(since, until) {
      const levels = this.windows
        .filter(([when]) => when >= since && when <= until)
        .map(([, level]) => level);
      const heard = levels.filter((level) => level > HEARD).length;
      const expected = (until - since) / WINDOW_S;
      let longest = 0;
      let silent = 0;
      for (const level of levels) {
        silent = level > HEARD ? 0 : silent + WINDOW_S;
        longest = Math.max(longest, silent);
      }
      return { heard: heard / expected, longest_silence_s: longest, played: levels.length / expected };
    }
  }

  /** Watch and listen to a seat from now on. */
  function watch(seat, identity) {
    if (!pictures.has(seat)) pictures.set(seat, new PictureWatch(seat, identity));
    if (!sounds.has(seat)) sounds.set(seat, new SoundWatch(seat, identity));
  }

  function now() {
    return performance.now() / 1000;
  }

  /** What was seen and heard of a seat between two times of `now()`. */
  function report(seat, since, until) {
    return {
      picture: pictures.get(seat).report(since, until),
      sound: sounds.get(seat).report(since, until),
    };
  }

  /** What was seen and heard of a seat in the last seconds, and its `samples` now. */
  async function last(seat, seconds) {
    return { ...report(seat, now() - seconds, now()), samples: await samples(seat) };
  }

  /** Whether the seat's newest picture is of the last second and between these widths. */
  function shows(seat, least, most) {
    const [when, , width] = pictures.get(seat).frames.at(-1) ?? [-Infinity, 0, 0];
    return now() - when < 1 && width >= least && width <= most;
  }

  /**
   * How long after `since` the seat's picture began to be at least so wide and to move, as it has
   * done ever since; null when it does not.
   */
  function fullAfter(seat, width, since) {
    let from = null;
    let before = since;
    for (const [when, , shown] of pictures.get(seat).frames) {
      if (when < since) continue;
      if (shown < width) from = null;
      else if (from === null || when - before > STILL_S) from = when;
      before = when;
    }
    return from === null || now() - before > STILL_S ? null : from - since;
  }

  /**
   * Of a seat's sound, since the connection began: samples played, and those the browser made up
   * because their packets were not there in time (silence that nobody misses left out).
   */
  async function samples(seat) {
    const track = sounds.get(seat).track?.id;
    for (const peer of peers) {
      if (peer.connectionState !== "connected") continue;
      const receiver = peer.getReceivers().find((one) => one.track.id === track);
      for (const one of (await receiver?.getStats())?.values() ?? []) {
        if (one.type !== "inbound-rtp") continue;
        return [one.totalSamplesReceived, one.concealedSamples - one.silentConcealedSamples];
      }
    }
    return [0, 0];
  }

  /** How many layers of its pictures this screen sends now, and how many it could send. */
  async function layersSent() {
    const layers = [];
    for (const peer of peers) {
      if (peer.connectionState !== "connected") continue;
      for (const one of (await peer.getStats()).values()) {
        if (one.type === "outbound-rtp" && one.kind === "video") layers.push(one.active);
      }
    }
    return [layers.filter(Boolean).length, layers.length];
  }

  const KEPT = [
    "kind", "rid", "frameWidth", "framesPerSecond", "packetsReceived", "packetsLost", "nackCount",
    "pliCount", "freezeCount", "totalFreezesDuration", "concealedSamples", "silentConcealedSamples",
    "totalSamplesReceived", "jitterBufferDelay", "jitterBufferEmittedCount", "bytesReceived",
    "bytesSent", "packetsSent", "retransmittedPacketsSent", "retransmittedPacketsReceived",
    "fecPacketsReceived", "qualityLimitationReason", "targetBitrate", "active", "framesDecoded",
  ];

  /** Counters of every stream of the connections that stand. */
  async function diagnosis() {
    const found = [];
    for (const peer of peers) {
      if (peer.connectionState !== "connected") continue;
      for (const one of (await peer.getStats()).values()) {
        if (one.type === "candidate-pair" && one.nominated) {
          const { availableOutgoingBitrate, currentRoundTripTime } = one;
          found.push({ type: "pair", availableOutgoingBitrate, currentRoundTripTime });
        }
        if (one.type !== "inbound-rtp" && one.type !== "outbound-rtp") continue;
        const kept = KEPT.filter((name) => one[name] !== undefined).map((name) => [name, one[name]]);
        found.push({ type: one.type, ssrc: one.ssrc, ...Object.fromEntries(kept) });
      }
    }
    return found;
  }

  global.LineProbe = { watch, now, last, shows, fullAfter, layersSent, diagnosis };
})(globalThis);
