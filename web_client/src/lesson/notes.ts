// Two short notes, one after the other: unlike anything that a lesson sounds like.

const NOTES_HZ = [523.25, 783.99]; // C5, G5
const NOTE_S = 0.45;
const LOUDNESS = 0.3;

/** Play them at this loudspeaker ("" for the system's own); resolves when they have been played. */
export async function playNotes(speaker: string): Promise<void> {
  const context = new AudioContext();
  const audio = new Audio();
  try {
    const out = context.createMediaStreamDestination();
    audio.srcObject = out.stream;
    if (speaker && "setSinkId" in audio) await audio.setSinkId(speaker);
    await Promise.all([context.resume(), audio.play()]);
    const begin = context.currentTime;
    NOTES_HZ.forEach((frequency, place) => sound(context, out, frequency, begin + place * NOTE_S));
    await new Promise((played) => setTimeout(played, (NOTES_HZ.length * NOTE_S + 0.2) * 1000));
  } finally {
    audio.srcObject = null;
    await context.close();
  }
}

function sound(context: AudioContext, out: AudioNode, frequency: number, at: number): void {
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.02); // without it, it clicks
  gain.gain.linearRampToValueAtTime(0, at + NOTE_S);
  const note = context.createOscillator();
  note.frequency.value = frequency;
  note.connect(gain).connect(out);
  note.start(at);
  note.stop(at + NOTE_S);
}
