// Styles that several components share: controls, fields, cards, states. Each component takes what
// it needs into its own shadow root.

import { css } from "lit";

export const base = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host {
    font-family: var(--font);
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  :focus-visible,
  input[type="date"]:focus-within {
    outline: 3px solid var(--focus);
    outline-offset: 2px;
  }
  h1,
  h2,
  h3,
  p {
    margin: 0;
  }
  h1 {
    font-size: var(--text-title);
    line-height: 1.25;
  }
  h2 {
    font-size: var(--text-large);
    line-height: 1.3;
  }
  h3 {
    font-size: var(--text);
  }
  a {
    color: var(--accent);
  }
  .soft {
    color: var(--ink-soft);
  }
  .small {
    font-size: var(--text-small);
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation-duration: 0.01ms !important;
      transition-duration: 0.01ms !important;
    }
  }
`;

export const controls = css`
  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-height: 40px;
    padding: 0 16px;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--ink);
    font: inherit;
    font-weight: 500;
    line-height: 1.2;
    text-decoration: none;
    white-space: nowrap;
    cursor: pointer;
  }
  button:hover:not(:disabled),
  .button:hover {
    background: var(--surface-raised);
  }
  button.main,
  .button.main {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--on-accent);
  }
  button.main:hover:not(:disabled),
  .button.main:hover {
    background: var(--accent-strong);
  }
  button.alarm {
    border-color: var(--alarm);
    color: var(--alarm);
  }
  button.alarm.main {
    background: var(--alarm);
    color: var(--on-alarm);
  }
  button.quiet {
    border-color: transparent;
    background: transparent;
  }
  button.quiet:hover:not(:disabled) {
    background: var(--surface-raised);
  }
  button[aria-pressed="true"],
  button[aria-selected="true"] {
    border-color: var(--accent);
    background: var(--accent-ground);
    color: var(--accent-strong);
  }
  button:disabled,
  button[aria-disabled="true"] {
    opacity: 0.55;
    cursor: not-allowed;
  }
  button.slim {
    min-height: 32px;
    padding: 0 10px;
    font-size: var(--text-small);
  }
`;

export const fields = css`
  label,
  .field {
    display: grid;
    gap: 4px;
    font-weight: 500;
  }
  .hint {
    color: var(--ink-soft);
    font-size: var(--text-small);
    font-weight: 400;
  }
  input:not([type="checkbox"], [type="radio"], [type="range"]),
  select,
  textarea {
    width: 100%;
    min-height: 40px;
    padding: 8px 12px;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--ink);
    font: inherit;
    font-weight: 400;
  }
  input[type="checkbox"],
  input[type="radio"] {
    width: 18px;
    height: 18px;
    margin: 0;
    accent-color: var(--accent);
  }
  label.check {
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: 32px;
    font-weight: 400;
  }
  [aria-invalid="true"] {
    border-color: var(--alarm) !important;
  }
  .wrong {
    color: var(--alarm);
    font-size: var(--text-small);
    font-weight: 400;
  }
  fieldset {
    display: grid;
    gap: 4px;
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    padding: 0;
    font-weight: 500;
  }
`;

/** A list of names with what each of them is. */
export const facts = css`
  dl {
    display: grid;
    grid-template-columns: fit-content(50%) minmax(0, 1fr);
    gap: 4px 16px;
    margin: 0;
  }
  dt {
    color: var(--ink-soft);
  }
  dd {
    margin: 0;
    overflow-wrap: anywhere;
  }
  /* Beside a long name a path would stand letter below letter. */
  @media (max-width: 600px) {
    dl {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }
    dd {
      margin-block-end: 8px;
    }
  }
`;

/** How a line is, wherever that stands: `class="badge line weak"`; its sign is in `lineSigns`. */
export const lines = css`
  .line.good {
    background: var(--accent-ground);
    color: var(--accent-strong);
  }
  .line.weak {
    background: var(--weak-ground);
    color: var(--weak);
  }
  .line.lost {
    background: var(--alarm-ground);
    color: var(--alarm);
  }
`;

export const cards = css`
  .card {
    padding: 24px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
  }
  .stack {
    display: grid;
    gap: 16px;
  }
  .badge {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    padding: 2px 8px;
    border-radius: 99px;
    background: var(--surface-raised);
    color: var(--ink-soft);
    font-size: var(--text-small);
    white-space: nowrap;
  }
  .badge.live {
    background: var(--alarm-ground);
    color: var(--alarm);
  }
  .badge.good {
    background: var(--accent-ground);
    color: var(--accent-strong);
  }
  .badge.warn {
    background: var(--warn-ground);
    color: var(--warn);
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  /* A table that is too wide scrolls by itself, and with it what only screen readers find in it. */
  .scrolls {
    position: relative;
    overflow-x: auto;
  }
  td.short {
    white-space: nowrap;
  }
  th {
    color: var(--ink-soft);
    font-size: var(--text-small);
    font-weight: 500;
    text-align: start;
  }
  th,
  td {
    padding: 8px 12px;
    border-bottom: 1px solid var(--line);
    text-align: start;
    vertical-align: middle;
  }
`;
