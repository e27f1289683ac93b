// The room page outside a lesson: a clock, one line in large type, a small gear.

import { css } from "lit";

export const roomStyles = css`
  :host {
    position: relative;
    display: block;
    height: 100vh;
    overflow: hidden;
  }
  .waiting {
    display: grid;
    place-items: center;
    align-content: center;
    gap: 24px;
    height: 100%;
    padding: 40px;
    text-align: center;
  }
  .place {
    color: var(--ink-soft);
    font-size: max(28px, 2vw);
  }
  .clock {
    font-size: max(96px, 10vw);
    font-weight: 300;
    font-variant-numeric: tabular-nums;
    line-height: 1;
  }
  .say {
    font-size: max(40px, 3vw);
    font-weight: 600;
  }
  .hint {
    max-width: 30em;
    color: var(--ink-soft);
    font-size: max(28px, 1.8vw);
    line-height: 1.4;
    text-wrap: balance;
  }
  @media (max-width: 700px) {
    .waiting {
      grid-template-columns: minmax(0, 1fr);
      gap: 16px;
      padding: 56px 16px 16px;
      overflow-y: auto;
    }
    .clock {
      font-size: 22vw;
    }
    .say {
      font-size: 28px;
    }
    .place,
    .hint {
      font-size: 20px;
    }
  }
  .gear {
    position: absolute;
    inset: 8px auto auto 8px;
    min-height: 48px;
    padding: 0 10px;
    border-color: transparent;
    background: var(--picture-sign); /* a bright picture may lie behind it */
    color: var(--ink-soft);
  }
  .gear:hover,
  .gear:focus-visible {
    color: var(--ink);
  }
  .settings {
    inset: 8px auto auto 8px;
    margin: 0;
    border: 0;
    color: var(--ink);
    grid-template-columns: minmax(0, 1fr);
    gap: 12px;
    width: min(440px, calc(100vw - 16px));
    padding: 16px;
    scroll-padding-block: 64px;
    border-radius: var(--radius);
    background: var(--surface);
    box-shadow: var(--shadow);
    font-size: 20px;
  }
  .settings[open] {
    display: grid;
  }
  .settings::backdrop {
    background: none; /* the lesson goes on behind it */
  }
  .settings h2 {
    font-size: inherit;
  }
  .settings summary {
    padding-block: 8px;
    color: var(--ink-soft);
    cursor: pointer;
  }
  .settings tk-chat {
    max-height: 30vh;
    border: 1px solid var(--line);
    border-radius: var(--radius);
  }
  .settings button {
    padding-block: 8px;
    white-space: normal;
  }
  /* In sight also where not all of it fits a small screen. */
  .settings .close {
    position: sticky;
    bottom: 0;
    background: var(--surface-raised);
    box-shadow: 0 16px 0 var(--surface); /* nothing shows below it */
  }
`;
