// How the pages for signing in and setting up look.

import { css } from "lit";

export const accountStyles = css`
  :host {
    display: grid;
    place-items: center;
    padding: 24px;
  }
  form {
    display: grid;
    gap: 16px;
    width: min(400px, 100%);
  }
  .brand {
    display: flex;
    align-items: center;
    gap: 12px;
    color: var(--accent);
    font-size: var(--text-huge);
    font-weight: 700;
    line-height: 1.1;
  }
  .main {
    min-height: 48px;
  }
`;
