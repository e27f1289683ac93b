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
  header {
    grid-area: 1 / 1 / auto / 3;
    display: flex;
    align-items: center;
    gap: 12px;
    padding: 8px 12px;
    background: var(--surface);
  }
  h1 {
    overflow: hidden;
    font-size: var(--text-large);
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  /* The tab key comes to the controls before the chapters, of which there may be many. */
  tk-player-details {
    grid-area: 2 / 2;
    margin-inline-end: 8px;
  }
  .pictures {
    position: relative;
    display: grid;
    grid-area: 2 / 1;
    margin-inline-start: 8px;
    grid-template-columns: minmax(0, 1fr) 22%;
    grid-auto-rows: min-content;
    align-content: start;
    gap: 8px;
    min-height: 0;
    overflow: hidden;
  }
  .view {
    position: relative;
    min-width: 0;
  }
  .view.large {
    display: grid;
    grid-row: 1 / span 8;
    grid-column: 1;
    place-items: center;
    height: 100%;
  }
  .view.large tk-part {
    width: 100%;
    max-height: 100%;
  }
  .view.small {
    grid-column: 2;
  }
  .view.away {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    visibility: hidden;
  }
  .swap {
    position: absolute;
    inset: 0;
    min-height: 0;
    padding: 0;
    border-color: transparent;
    background: transparent;
  }
  .swap:focus-visible {
    outline-offset: -3px; /* at the edge of what is cut off */
  }
  .swap:hover:not(:disabled) {
    border: 2px solid var(--accent);
    background: transparent;
  }
  .nobody {
    grid-row: 1;
    grid-column: 1;
    align-self: center;
    padding: 20% 0;
    color: var(--ink-soft);
    text-align: center;
  }
  .waiting {
    position: absolute;
    inset: 12px auto auto 12px;
    padding: 4px 12px;
    border-radius: 99px;
    background: var(--picture-shade);
    color: var(--on-picture);
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
`;
