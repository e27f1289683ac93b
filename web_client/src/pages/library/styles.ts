// How the library divides the screen: filters beside the cards, on a narrow one behind a button.

import { css } from "lit";

export const libraryStyles = css`
  :host {
    display: grid;
    grid-template-columns: 240px minmax(0, 1fr);
    align-content: start;
    align-items: start;
    gap: 24px;
    width: min(1440px, 100%);
    margin: 0 auto;
    padding: 24px;
  }
  aside {
    display: grid;
    gap: 16px;
  }
  section:first-child {
    grid-column: 1 / -1; /* nothing is there to be filtered */
  }
  .search {
    position: relative;
    margin-bottom: 16px;
  }
  .search svg {
    position: absolute;
    inset: 14px auto auto 14px;
    color: var(--ink-soft);
  }
  .search input {
    min-height: 48px;
    padding-inline-start: 44px;
  }
  .cards {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(260px, 1fr));
    gap: 16px;
    margin: 12px 0 0;
    padding: 0;
    list-style: none;
  }
  .more {
    display: block;
    margin: 24px auto 0;
  }
  .undo {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 12px;
    margin-bottom: 16px;
    padding: 10px 16px;
    border-radius: var(--radius);
    background: var(--accent-ground);
    color: var(--accent-strong);
  }
  .filters-button {
    display: none;
  }
  @media (max-width: 900px) {
    :host {
      grid-template-columns: minmax(0, 1fr);
      gap: 12px;
      padding: 16px 12px;
    }
    .filters-button {
      display: inline-flex;
    }
    aside:not(.open) > :not(.filters-button) {
      display: none;
    }
    aside h2 {
      display: none;
    }
  }
`;
