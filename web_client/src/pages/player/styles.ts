// How the player divides the screen.

import { css } from "lit";

export const playerStyles = css`
  :host {
    display: grid;
    grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr) 320px;
    gap: 8px;
    height: 100vh;
    overflow: hidden;
    background: var(--ground);
  }
  tk-player-head {
    grid-area: 1 / 1 / auto / 3;
    min-width: 0;
  }
  /* The tab key comes to the controls before the chapters, of which there may be many. */
  tk-player-details {
    grid-area: 2 / 2;
    margin-inline-end: 8px;
  }
  .stage {
    position: relative;
    grid-area: 2 / 1;
    min-height: 0;
    margin-inline-start: 8px;
  }
  tk-pictures {
    position: absolute;
    inset: 0;
  }
  .note {
    position: absolute;
    inset: 12px auto auto 12px;
    z-index: 1;
    display: flex;
    align-items: center;
    gap: 12px;
    padding: 4px 12px;
    border-radius: var(--radius);
    background: var(--picture-shade);
    color: var(--on-picture);
  }
  .note + .note {
    inset-block-start: 60px;
  }
  footer {
    display: grid;
    grid-area: 3 / 1 / auto / 3;
    gap: 8px;
    padding: 8px 16px 12px;
    background: var(--surface);
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
  }
  .time {
    padding: 0 8px;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .speed {
    display: flex;
    align-items: center;
    gap: 6px;
  }
  .speed select {
    min-height: 40px;
    padding: 0 8px;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--ink);
    font: inherit;
  }
  .space {
    flex: 1;
  }
  input[type="range"] {
    width: 90px;
    accent-color: var(--accent);
  }
  tk-state,
  tk-skeleton {
    grid-area: 1 / 1 / -1 / -1;
    padding: 24px;
  }

  /* A laptop under its browser's bars: the pictures need the height. */
  @media (max-height: 700px) {
    footer {
      gap: 4px;
      padding-block: 4px 8px;
    }
  }

  /* Telephone and tablet: one under the other; what is beside scrolls. */
  @media (max-width: 900px) {
    :host {
      grid-template: auto auto auto minmax(240px, 1fr) / minmax(0, 1fr);
      height: 100dvh;
      overflow-y: auto;
    }
    tk-player-head,
    .stage,
    footer,
    tk-player-details {
      grid-area: auto / 1;
      margin-inline: 0;
    }
    .stage {
      height: min(calc(100vw * 9 / 16 + 72px), 60vh);
    }
    footer {
      padding-inline: 12px;
    }
    .space {
      display: none;
    }
  }

  /* Only the picture; the controls come over it while the pointer moves. */
  :host([filled]) {
    position: fixed;
    inset: 0;
    z-index: 1;
    display: block;
    height: auto;
    background: var(--picture);
  }
  :host([filled]:not([awake])) {
    cursor: none;
  }
  :host([filled]) tk-player-head,
  :host([filled]) tk-player-details {
    display: none;
  }
  :host([filled]) .stage {
    position: absolute;
    inset: 0;
    height: auto;
    margin: 0;
  }
  :host([filled]) footer {
    position: absolute;
    inset: auto 0 0;
    background: var(--picture-veil);
    opacity: 0;
    transition: opacity 160ms;
  }
  :host([filled][awake]) footer,
  :host([filled]) footer:focus-within {
    opacity: 1;
  }
`;
