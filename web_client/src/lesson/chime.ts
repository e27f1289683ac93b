// Three rising tones as a sound file, by which one hears which loudspeaker plays. Pure.

const RATE = 16_000;
const TONES_HZ = [523.25, 659.25, 783.99]; // C, E, G: heard over a class, and no alarm
const TONE_S = 0.35;
const FADE_S = 0.03; // without it a tone begins and ends with a click
const LOUDNESS = 0.5;

/** How long it sounds. */
export const CHIME_S = TONES_HZ.length * TONE_S;

/** A WAV file: RIFF, PCM of 16 bits, one channel. */
export function chime(): ArrayBuffer {
  const samples = tones();
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const word = (at: number, text: string): void => {
    for (let place = 0; place < text.length; place++) view.setUint8(at + place, text.charCodeAt(place));
  };
  word(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true); // bytes a second
  view.setUint16(32, 2, true); // bytes a sample
  view.setUint16(34, 16, true); // bits a sample
  word(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, place) => view.setInt16(44 + 2 * place, Math.round(32_767 * sample), true));
  return view.buffer;
}

function tones(): number[] {
  const each = Math.round(TONE_S * RATE);
  return TONES_HZ.flatMap((hz) =>
    Array.from({ length: each }, (_, place) => {
      const fade = Math.min(1, place / (FADE_S * RATE), (each - 1 - place) / (FADE_S * RATE));
      return LOUDNESS * fade * Math.sin((2 * Math.PI * hz * place) / RATE);
    }),
  );
}
