// A table on a phone: each row a block of its own, each value with its heading before it.

import { css } from "lit";

/** For `table.stacks`, whose cells say their heading in `data-label`. */
export const stacked = css`
  @media (max-width: 600px) {
    table.stacks,
    table.stacks tbody,
    table.stacks tr,
    table.stacks td,
    table.stacks th {
      display: block;
    }
    table.stacks tbody tr {
      padding: 8px 0;
      border-bottom: 1px solid var(--line);
    }
    table.stacks tbody tr:last-child {
      border-bottom: 0;
    }
    table.stacks td {
      min-width: 0;
      padding: 4px 16px;
      border-bottom: 0;
      text-align: start;
      white-space: normal;
    }
    /* The heading stands in the value's margin; where it is the longer one, the row is as high. */
    table.stacks td[data-label] {
      display: flow-root;
      min-height: 32px;
      padding-inline-start: 132px;
    }
    table.stacks td:empty {
      display: none; /* behind the rule above, which is as strong */
    }
    table.stacks td[data-label]::before {
      float: inline-start;
      width: 112px;
      margin-inline-start: -116px;
      color: var(--ink-soft);
      content: attr(data-label);
      font-size: var(--text-small);
    }
    /* The headings that sort stay in reach, beside each other. */
    table.stacks thead tr {
      display: flex;
      flex-wrap: wrap;
      border-bottom: 1px solid var(--line);
    }
    table.stacks thead th {
      padding: 4px 16px;
      border-bottom: 0;
    }
    table.stacks thead th:not(:has(button)) {
      display: none; /* each value says it */
    }
  }
`;
