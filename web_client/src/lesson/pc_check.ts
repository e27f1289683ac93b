// What this PC still lacks to be a room that nobody touches, as far as a page can see it.
//
// Rules are pure; `lookAtPc` asks the browser. What a browser cannot tell is null, and is not missed.

export interface PcFacts {
  /** The certificate is trusted, not only clicked away. */
  readonly trusted: boolean | null;
  /** Camera and microphone are opened without a question. */
  readonly devices: boolean | null;
  /** The page has the whole screen. */
  readonly whole: boolean | null;
  /** Sound begins without a touch. */
  readonly sound: boolean | null;
}

export const PC_FACTS = ["trusted", "devices", "whole", "sound"] as const;

/** What is missing, in the order in which it is put right. */
export function missingOf(facts: PcFacts): (keyof PcFacts)[] {
  return PC_FACTS.filter((one) => facts[one] === false);
}

/** How far the screen may be higher than the window: rounding, when the system magnifies. */
const SLACK_PX = 4;

export function fillsScreen(window: { innerWidth: number; innerHeight: number; screen: Screen }): boolean {
  return (
    window.innerHeight >= window.screen.height - SLACK_PX &&
    window.innerWidth >= window.screen.width - SLACK_PX
  );
}

export async function lookAtPc(): Promise<PcFacts> {
  const [trusted, devices] = await Promise.all([isTrusted(), areAllowed()]);
  return { trusted, devices, whole: fillsScreen(window), sound: soundBegins() };
}

/** A browser that was told to go on past a warning keeps pages, but lets no worker in (Chromium). */
async function isTrusted(): Promise<boolean | null> {
  if (location.protocol !== "https:" || !("serviceWorker" in navigator)) return null;
  try {
    const place = "/trust-probe/";
    const known = await navigator.serviceWorker.register("/trust-probe.js", { scope: place });
    await known.unregister();
    return true;
  } catch (error) {
    return error instanceof DOMException && /SSL|certificate/i.test(error.message) ? false : null;
  }
}

async function areAllowed(): Promise<boolean | null> {
  try {
    const names = ["camera", "microphone"] as const;
    const found = await Promise.all(
      names.map((name) => navigator.permissions.query({ name })),
    );
    return found.every((one) => one.state === "granted");
  } catch {
    return null; // a browser that does not tell
  }
}

/** Null once somebody has touched the page: then it would begin anyway. */
function soundBegins(): boolean | null {
  const { userActivation } = navigator as Partial<Navigator>;
  if (!userActivation || userActivation.hasBeenActive || !("AudioContext" in globalThis)) return null;
  const context = new AudioContext();
  const begins = context.state === "running";
  void context.close();
  return begins;
}
