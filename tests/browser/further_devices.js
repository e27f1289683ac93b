// One more camera, microphone and loudspeaker beside the browser's own: for browsers that fake one of
// each. Loaded after identity.js. The picture has the mark of `FURTHER_IDENTITY`, the microphone is
// one that nobody speaks into; what plays at the loudspeaker is told by `sinkId`, as by any other.

(function (global) {
  "use strict";
  const WIDTH = 320;
  const HEIGHT = 180;
  const PICTURE_MS = 50;
  const ID = "further";

  const media = navigator.mediaDevices;
  const list = media.enumerateDevices.bind(media);
  const open = media.getUserMedia.bind(media);

  // As the browser's own: named once a device of the kind may be used.
  media.enumerateDevices = async () => {
    const found = await list();
    const mayUse = (kind) => found.some((one) => one.kind === kind && one.label);
    const kinds = ["audioinput", "videoinput"].filter(mayUse);
    if (mayUse("audioinput")) kinds.push("audiooutput");
    return [...found, ...kinds.map((kind) => ({ kind, deviceId: ID, groupId: ID, label: `Further ${kind}` }))];
  };

  function camera() {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: WIDTH, height: HEIGHT });
    const context = canvas.getContext("2d");
    let counter = 0;
    const draw = () => TongkeIdentity.draw(context, global.FURTHER_IDENTITY, (counter += 1));
    draw();
    const timer = setInterval(draw, PICTURE_MS);
    const [track] = canvas.captureStream().getVideoTracks();
    return ending(track, () => clearInterval(timer));
  }

  // Without a sound card Firefox makes no sounds of a page's own: it is the browser's, and silent.
  async function microphone() {
    const [track] = (await open({ audio: true })).getAudioTracks();
    track.enabled = false;
    Object.defineProperty(track, "enabled", { set: () => undefined, get: () => false });
    return ending(track, () => undefined);
  }

  function ending(track, end) {
    const stop = track.stop.bind(track);
    const settings = track.getSettings.bind(track);
    track.stop = () => (stop(), end());
    track.getSettings = () => ({ ...settings(), deviceId: ID });
    return track;
  }

  media.getUserMedia = async (wanted) => {
    const is = (constraints) => constraints?.deviceId?.exact === ID;
    if (!is(wanted.audio) && !is(wanted.video)) return open(wanted);
    return new MediaStream([is(wanted.audio) ? await microphone() : camera()]);
  };

  const elements = HTMLMediaElement.prototype;
  const { setSinkId } = elements;
  const sink = Object.getOwnPropertyDescriptor(elements, "sinkId");
  const playing = new WeakSet();
  elements.setSinkId = async function (id) {
    if (id !== ID) await setSinkId.call(this, id);
    if (id === ID) playing.add(this);
    else playing.delete(this);
  };
  Object.defineProperty(elements, "sinkId", {
    get() {
      return playing.has(this) ? ID : sink.get.call(this);
    },
  });
})(globalThis);
