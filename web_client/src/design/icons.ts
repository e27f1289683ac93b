// Our own icons: 24 × 24, drawn with a 2 px line, always beside a word or with a name. Each means one
// thing, and has its name after that.

import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import type { LinkQuality } from "../protocol/messages.ts";

const shapes = {
  microphone: svg`<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5 11a7 7 0 0 0 14 0M12 18v3"/>`,
  microphoneOff: svg`<path d="M9 6a3 3 0 0 1 6 0v5M9 9v2a3 3 0 0 0 4.5 2.6M5 11a7 7 0 0 0 11 5.7M19 11a7 7 0 0 1-.6 2.8M12 18v3M3 3l18 18"/>`,
  camera: svg`<rect x="3" y="6" width="12" height="12" rx="2"/><path d="M15 11l6-4v10l-6-4"/>`,
  cameraOff: svg`<path d="M7 6h6a2 2 0 0 1 2 2v6M15 18H5a2 2 0 0 1-2-2V8M15 11l6-4v10l-3-2M3 3l18 18"/>`,
  screen: svg`<rect x="3" y="4" width="18" height="12" rx="2"/><path d="M8 20h8M12 16v4M12 13V8M9 10l3-3 3 3"/>`,
  hand: svg`<path d="M7 12V6.5a1.5 1.5 0 0 1 3 0V11M10 10.5V4.5a1.5 1.5 0 0 1 3 0V11M13 10.5V5.5a1.5 1.5 0 0 1 3 0V12M16 11V8.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6h-1c-2.5 0-4-1-5.3-3L4 14a1.6 1.6 0 0 1 2.7-1.6L7 13"/>`,
  sound: svg`<path d="M4 9v6h4l5 4V5L8 9zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11"/>`,
  speak: svg`<circle cx="9" cy="8" r="4"/><path d="M3 20a6 6 0 0 1 12 0M17 5a6 6 0 0 1 0 6M20 3a10 10 0 0 1 0 10"/>`,
  spotlight: svg`<path d="M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4"/><circle cx="12" cy="12" r="3"/>`,
  layoutSpeaker: svg`<rect x="3" y="4" width="18" height="11" rx="1"/><path d="M4 20h4M10 20h4M16 20h4"/>`,
  layoutWall: svg`<rect x="3" y="4" width="8" height="7" rx="1"/><rect x="13" y="4" width="8" height="7" rx="1"/><rect x="3" y="13" width="8" height="7" rx="1"/><rect x="13" y="13" width="8" height="7" rx="1"/>`,
  layoutLeadAndScreen: svg`<rect x="3" y="5" width="11" height="14" rx="1"/><rect x="16" y="9" width="5" height="6" rx="1"/>`,
  layoutSpotlight: svg`<rect x="3" y="4" width="18" height="16" rx="2"/><circle cx="12" cy="10.5" r="2.5"/><path d="M7.5 17a4.5 4.5 0 0 1 9 0"/>`,
  layoutDialogue: svg`<rect x="3" y="7" width="8.5" height="10" rx="1"/><rect x="12.5" y="7" width="8.5" height="10" rx="1"/>`,
  layoutFour: svg`<rect x="3" y="4" width="18" height="16" rx="1"/><path d="M12 4v16M3 12h18"/>`,
  layoutScreen: svg`<rect x="3" y="4" width="18" height="16" rx="2"/><rect x="13" y="12" width="6" height="5" rx="1"/>`,
  chat: svg`<path d="M4 5h16v11H10l-5 4v-4H4z"/>`,
  lock: svg`<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
  unlock: svg`<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 7.5-2"/>`,
  end: svg`<path d="M12 4v8M7 6.5a8 8 0 1 0 10 0"/>`,
  gear: svg`<circle cx="12" cy="12" r="3"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1"/>`,
  linkGood: svg`<path d="M5 19v-4M10 19v-7M15 19V9M20 19V5"/>`,
  linkWeak: svg`<path d="M5 19v-4M10 19v-7"/><path d="M15 19v-1M20 19v-1"/>`,
  linkLost: svg`<path d="M5 19v-1M10 19v-1M15 19v-1M20 19v-1M8 5l8 8M16 5l-8 8"/>`,
  check: svg`<path d="M4 12l5 6L20 6"/>`,
  warning: svg`<path d="M12 4l9 16H3zM12 10v4M12 17v.5"/>`,
  close: svg`<path d="M5 5l14 14M19 5L5 19"/>`,
  play: svg`<path d="M7 4l13 8-13 8z"/>`,
  pause: svg`<path d="M8 5v14M16 5v14"/>`,
  back: svg`<path d="M11 5l-7 7 7 7M4 12h16"/>`,
  forward: svg`<path d="M13 5l7 7-7 7M20 12H4"/>`,
  filter: svg`<path d="M4 6h16M7 12h10M10 18h4"/>`,
  search: svg`<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/>`,
  today: svg`<rect x="4" y="5" width="16" height="15" rx="2"/><path d="M4 10h16M8 3v4M16 3v4"/>`,
  library: svg`<path d="M4 5h5v14H4zM9 5h5v14H9zM15 6l4-1 3 13-4 1z"/>`,
  school: svg`<path d="M3 20h18M5 20V9l7-5 7 5v11M10 20v-5h4v5"/>`,
  room: svg`<rect x="3" y="4" width="18" height="11" rx="1"/><path d="M5 20h3M10.5 20h3M16 20h3"/>`,
  person: svg`<circle cx="12" cy="8" r="4"/><path d="M4 21a8 8 0 0 1 16 0"/>`,
  people: svg`<circle cx="9" cy="8" r="3.5"/><path d="M3 20a6 6 0 0 1 12 0M16 5a3.5 3.5 0 0 1 0 6.5M17.5 14.5A6 6 0 0 1 21 20"/>`,
  community: svg`<circle cx="12" cy="6" r="3"/><circle cx="5" cy="18" r="2.5"/><circle cx="12" cy="18" r="2.5"/><circle cx="19" cy="18" r="2.5"/><path d="M10.5 8.7L6 15.7M12 9v6.5M13.5 8.7L18 15.7"/>`,
  live: svg`<circle cx="12" cy="12" r="3"/><path d="M7 7a7 7 0 0 0 0 10M17 7a7 7 0 0 1 0 10"/>`,
  mark: svg`<path d="M7 4h10v16l-5-4-5 4z"/>`,
  record: svg`<circle cx="12" cy="12" r="6" fill="currentColor"/>`,
  key: svg`<circle cx="8" cy="8" r="4"/><path d="M11 11l9 9M17 17l2-2M14 14l2-2"/>`,
  plus: svg`<path d="M12 5v14M5 12h14"/>`,
  edit: svg`<path d="M5 19l1-4L16 5l3 3L9 18z"/>`,
  trash: svg`<path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13"/>`,
  swap: svg`<path d="M7 4L3 8l4 4M3 8h14M17 12l4 4-4 4M21 16H7"/>`,
  note: svg`<path d="M5 4h14v12l-4 4H5zM15 20v-4h4M8 9h8M8 13h5"/>`,
  send: svg`<path d="M21 4L3 11l7 3 3 7zM10 14L21 4"/>`,
  fullScreen: svg`<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>`,
  putOut: svg`<circle cx="9" cy="8" r="4"/><path d="M3 20a6 6 0 0 1 12 0M16 11h6"/>`,
  out: svg`<path d="M10 4H5v16h5M14 8l4 4-4 4M18 12H9"/>`,
  help: svg`<circle cx="12" cy="12" r="9"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .9-1 1.7M12 16.5v.5"/>`,
  upload: svg`<path d="M12 15V4M7 9l5-5 5 5M4 15v5h16v-5"/>`,
  server: svg`<rect x="4" y="4" width="16" height="7" rx="1"/><rect x="4" y="13" width="16" height="7" rx="1"/><path d="M8 7.5v.01M8 16.5v.01"/>`,
  sortUp: svg`<path d="M6 15l6-6 6 6"/>`,
  sortDown: svg`<path d="M6 9l6 6 6-6"/>`,
  download: svg`<path d="M12 4v11M7 10.5l5 5 5-5M5 20h14"/>`,
  copy: svg`<rect x="8" y="8" width="12" height="12" rx="2"/><path d="M16 8V4H4v12h4"/>`,
} satisfies Record<string, SVGTemplateResult>;

export type IconName = keyof typeof shapes;

/** How a line is, by its quality; its tones are `lines` in `shared.ts`. */
export const lineSigns: Readonly<Record<LinkQuality, IconName>> = {
  good: "linkGood",
  weak: "linkWeak",
  lost: "linkLost",
};

/** An icon without a name of its own: the word beside it says what it means. */
export function icon(name: IconName, size = 20): TemplateResult {
  return html`<svg
    width=${size}
    height=${size}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
    focusable="false"
    part="icon"
  >
    ${shapes[name]}
  </svg>`;
}
