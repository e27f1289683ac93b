// What stands folded below the rooms: a summary, and the rest on asking.

import { css } from "lit";

export const foldStyles = css`
  :host {
    display: block;
  }
  details {
    padding: 8px 12px;
    border-radius: var(--radius);
    background: var(--surface);
  }
  summary {
    cursor: pointer;
  }
`;
