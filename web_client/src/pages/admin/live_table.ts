// What the tables of measurements look like: small, aligned numbers, wide ones scroll by themselves.

import { css } from "lit";

export const measuredTable = css`
  :host {
    display: block;
    min-width: 0;
    overflow-x: auto;
  }
  caption {
    padding-bottom: 4px;
    font-weight: 600;
    text-align: start;
  }
  th,
  td {
    padding: 4px 12px 4px 0;
    font-size: var(--text-small);
    vertical-align: top;
  }
  td {
    font-variant-numeric: tabular-nums;
  }
  tbody th {
    color: var(--ink);
    font-weight: 600;
  }
  .number {
    text-align: end;
    white-space: nowrap;
  }
`;
