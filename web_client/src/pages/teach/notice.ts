// The one line above the pictures that says what is amiss: the connection, what was refused, the
// teacher's own devices, their line, a picture that not everybody can see; the gravest first.

import { html, nothing, type TemplateResult } from "lit";
import { deviceProblem } from "../../components/device_select.ts";
import { icon } from "../../design/icons.ts";
import { type Messages, said } from "../../i18n/index.ts";
import { ownPictureIsHeld } from "../../lesson/captions.ts";
import { camerasOf, useName } from "../../lesson/device_names.ts";
import { pictureFaultInWords } from "../../lesson/picture_faults.ts";
import type { LessonSession } from "../../lesson/session.ts";
import type { View } from "../../lesson/state.ts";
import type { Source } from "../../protocol/messages.ts";

/** What it is about, and what its buttons do. */
export interface Noticed {
  readonly view: View;
  readonly session: LessonSession;
  readonly m: Messages;
  /** In the lesson: before it, the check says how the devices are. */
  readonly inside: boolean;
  readonly devicesOpen: boolean;
  readonly toggleDevices: () => void;
  readonly retryDevices: () => Promise<void>;
}

/** Drawn in the page itself; its styles are the page's. */
export function notice(about: Noticed): TemplateResult | typeof nothing {
  const { view, session, m, inside } = about;
  if (view.phase === "reconnecting") return strip(m.lesson.reconnecting);
  if (inside && view.phase === "live" && (view.up === "lost" || view.down === "lost")) {
    return strip(m.lesson.mediaLost);
  }
  if (view.notice) {
    const seen = (): void => session.dismissNotice();
    return strip(said(view.notice), html`<button class="slim" @click=${seen}>${m.app.close}</button>`);
  }
  if (!inside) return nothing;
  if (view.soundBlocked) return strip(m.lesson.soundBlocked);
  const device = brokenDevice(about);
  if (device) return strip(device, deviceRemedies(about));
  const [fallback] = view.fallbacks;
  if (fallback) return fellBack(about, ...fallback);
  if (ownPictureIsHeld(view)) return strip(m.lesson.ownPictureHeld);
  const fault = pictureFaultInWords(view, m);
  return fault ? strip(fault) : nothing;
}

function brokenDevice({ view, m }: Noticed): string {
  const microphone = deviceProblem(view.microphone);
  if (microphone) return m.teach.deviceProblem(m.teach.microphone, microphone);
  const camera = deviceProblem(view.camera);
  return camera ? m.teach.deviceProblem(m.teach.camera, camera) : "";
}

/** A device has vanished and another serves: which, and the way to choose. */
function fellBack(
  about: Noticed,
  source: Source,
  { from, to }: { from: string; to: string },
): TemplateResult {
  const { view, session, m } = about;
  const [first = source] = camerasOf(view.profile?.sources.map((one) => one.source) ?? []);
  const device = useName(source, { first, ofRoom: false }, m);
  const seen = (): void => session.store.dispatch({ type: "fell-back", source, from: "", to: null });
  return strip(
    m.teach.fellBack(device, from, to),
    html`${toDevices(about)}<button class="slim" @click=${seen}>${m.app.close}</button>`,
  );
}

function deviceRemedies(about: Noticed): TemplateResult {
  return html`<button class="slim" data-testid="retry" @click=${about.retryDevices}>
      ${about.m.app.retry}
    </button>
    ${toDevices(about)}`;
}

function toDevices({ devicesOpen, toggleDevices, m }: Noticed): TemplateResult | typeof nothing {
  if (devicesOpen) return nothing;
  return html`<button class="slim" @click=${toggleDevices}>${m.teach.devices}</button>`;
}

function strip(words: string, remedies?: TemplateResult): TemplateResult {
  return html`<div class="banner warn" role="status">
    ${icon("warning")}<span>${words}</span>${remedies ?? nothing}
  </div>`;
}
