// A camera and a microphone whose every moment says when it was: for tests of what is recorded.
//
// Loaded after identity.js; takes the place of `getUserMedia`. The picture carries the mark of
// `identity.js` with a counter of its own; when each was drawn is kept (`MarkedDevices.drawn`). The
// sound has a tone for a tenth of a second at every half second of the day (by this machine's
// clock): the k-th half second has the tone of k modulo 16, as in tests/recorded_media.py. Between
// them is a soft hum, so that nothing but silence is silent.

(function (global) {
  "use strict";
  const WIDTH = 320;
  const HEIGHT = 180;
  const PICTURE_MS = 40;
  const RATE = 48000;
  const CHUNK = 480;
  const MARK_S = 0.1;
  const EVERY_S = 0.5;

  const drawn = []; // [counter, Unix milliseconds]
  const wall = () => performance.timeOrigin + performance.now();

  function every(track, milliseconds, work) {
    const timer = setInterval(() => (track.readyState === "ended" ? clearInterval(timer) : work()), milliseconds);
    return track;
  }

  function camera() {
    const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
    const context = canvas.getContext("2d");
    const track = new MediaStreamTrackGenerator({ kind: "video" });
    const writer = track.writable.getWriter();
    let last = -1;
    track.getSettings = () => ({ width: WIDTH, height: HEIGHT, frameRate: 25, deviceId: "marked-camera" });
    track.applyConstraints = async () => undefined;
    return every(track, PICTURE_MS / 2, () => {
      const at = wall();
      const counter = Math.floor(at / PICTURE_MS) % 65536;
      if (counter === last || writer.desiredSize <= 0) return;
      last = counter;
      TongkeIdentity.draw(context, global.MARKED_IDENTITY, counter);
      drawn.push([counter, at]);
      const timestamp = Math.round((at - performance.timeOrigin) * 1000);
      void writer.write(new VideoFrame(canvas, { timestamp })).catch(() => undefined);
    });
  }

  function sample(seconds) {
    const number = Math.floor(seconds / EVERY_S);
    const into = seconds - number * EVERY_S;
    const hum = 0.01 * Math.sin(2 * Math.PI * 120 * (seconds % 1));
    if (into >= MARK_S) return hum;
    return hum + 0.5 * Math.sin(2 * Math.PI * (600 + 150 * (number % 16)) * into);
  }

  function microphone() {
    const track = new MediaStreamTrackGenerator({ kind: "audio" });
    const writer = track.writable.getWriter();
    const began = wall();
    let chunks = 0;
    track.getSettings = () => ({ sampleRate: RATE, channelCount: 1, deviceId: "marked-microphone" });
    track.applyConstraints = async () => undefined;
    return every(track, 10, () => {
      // What was said comes when it has been said, as from a microphone.
      while (began + ((chunks + 1) * CHUNK * 1000) / RATE <= wall()) {
        const at = began + (chunks * CHUNK * 1000) / RATE;
        const data = Float32Array.from({ length: CHUNK }, (_, n) => sample(at / 1000 + n / RATE));
        const timestamp = Math.round((at - performance.timeOrigin) * 1000);
        const sound = { format: "f32", sampleRate: RATE, numberOfFrames: CHUNK, numberOfChannels: 1 };
        void writer.write(new AudioData({ ...sound, timestamp, data })).catch(() => undefined);
        chunks += 1;
      }
    });
  }

  navigator.mediaDevices.getUserMedia = async (wanted) =>
    new MediaStream([...(wanted.audio ? [microphone()] : []), ...(wanted.video ? [camera()] : [])]);

  // A device that is used is among those there are: a page that does not find it takes it for gone.
  navigator.mediaDevices.enumerateDevices = async () =>
    ["audioinput", "videoinput"].map((kind) => {
      const name = kind === "audioinput" ? "marked-microphone" : "marked-camera";
      return { kind, deviceId: name, groupId: name, label: name };
    });

  /** Between two marks: what is closed or opened now cuts none of them. */
  async function betweenMarks() {
    while (Math.abs(((wall() / 1000) % EVERY_S) - 0.25) > 0.05) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Play a file from `from` for some seconds: the samples heard, and when which picture was seen. */
  async function play(address, from, seconds) {
    const video = document.createElement("video");
    video.src = address;
    document.body.append(video);
    const context = new AudioContext({ sampleRate: RATE });
    await context.resume();
    const ear = context.createScriptProcessor(512, 1, 1);
    const heard = [];
    const times = []; // [media time, samples heard by then]
    const seen = []; // [counter, media time, samples heard when it was shown]
    // The page hears of samples after they were, on a busy machine long after. The context's own
    // clock does not wait for the page: the least late telling around a picture ties the two. (Around
    // it: what the page was too busy to be told of at all is missing in what is heard from then on.)
    const frames = () => context.currentTime * RATE;
    const tellings = []; // [frames, how much later than its samples this telling came]
    let told = 0;
    context.createMediaElementSource(video).connect(ear);
    ear.connect(context.destination);
    ear.onaudioprocess = (event) => {
      const samples = event.inputBuffer.getChannelData(0);
      told += samples.length;
      tellings.push([frames(), frames() - told]);
      if (video.paused) return;
      heard.push(...samples);
      times.push([video.currentTime, heard.length]);
    };
    const watch = (_now, frame) => {
      const shown = frames();
      const mark = TongkeIdentity.readVideo(video);
      if (mark) seen.push([mark.counter, frame.mediaTime, shown]);
      video.requestVideoFrameCallback(watch);
    };
    video.currentTime = from;
    await new Promise((resolve) => video.addEventListener("canplaythrough", resolve, { once: true }));
    video.requestVideoFrameCallback(watch);
    await video.play();
    while (video.currentTime < from + seconds && !video.ended) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    video.pause();
    const unheard = told - heard.length;
    for (const one of seen) {
      const around = tellings.filter(([at]) => Math.abs(at - one[2]) < RATE / 4);
      one[2] = Math.round(one[2] - Math.min(...around.map(([, late]) => late)) - unheard);
    }
    await context.close();
    video.remove();
    return { heard: Array.from(heard, (one) => Math.round(one * 1000) / 1000), times, seen };
  }

  global.MarkedDevices = { drawn, betweenMarks, play };
})(globalThis);
