// A QR code (ISO/IEC 18004) of an address, drawn as one path. Loaded only where one is shown.

import { generate } from "lean-qr";
import { css, html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { define, TongkeElement } from "./element.ts";

const QUIET = 4; // the standard's margin, without which phones do not find it

export class Qr extends TongkeElement {
  static override styles = css`
    :host {
      display: block;
      aspect-ratio: 1;
    }
    svg {
      display: block;
      width: 100%;
      height: 100%;
      border-radius: var(--radius);
      background: var(--qr-ground);
    }
    path {
      fill: var(--qr-ink);
    }
  `;

  @property() text = "";
  @property() label = "";

  override render(): TemplateResult {
    const { path, size } = drawn(this.text);
    const side = size + 2 * QUIET;
    return html`<svg
      role="img"
      aria-label=${this.label}
      viewBox="${-QUIET} ${-QUIET} ${side} ${side}"
      shape-rendering="crispEdges"
    >
      <path d=${path}></path>
    </svg>`;
  }
}

/** The dark squares, each run of a row as one rectangle. */
function drawn(text: string): { path: string; size: number } {
  const code = generate(text);
  const runs: string[] = [];
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) {
      if (!code.get(x, y)) continue;
      const from = x;
      while (code.get(x + 1, y)) x++;
      runs.push(`M${from} ${y}h${x + 1 - from}v1H${from}z`);
    }
  }
  return { path: runs.join(""), size: code.size };
}

define("tk-qr", Qr);

declare global {
  interface HTMLElementTagNameMap {
    "tk-qr": Qr;
  }
}
