// How the teacher's page divides the screen: 1366 × 768 first.

import { css } from "lit";

export const teachStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100vh;
    overflow: hidden;
  }
  .middle {
    display: grid;
    flex: 1;
    grid-template: minmax(0, 1fr) / minmax(0, 2fr) minmax(380px, 1fr);
    gap: 8px;
    min-height: 0;
    padding: 8px;
  }
  .pictures {
    display: flex;
    flex-direction: column;
    gap: 8px;
    min-width: 0;
    min-height: 0;
  }
  .stage {
    display: grid;
    flex: 1;
    min-width: 0;
    min-height: 0;
  }
  aside {
    display: flex;
    flex-direction: column;
    gap: 8px;
    min-height: 0;
  }
  .rooms {
    display: flex;
    flex: 0 1 auto;
    flex-direction: column;
    gap: 8px;
    min-height: 0;
    overflow-y: auto;
  }
  tk-chat {
    flex: 1 0 128px; /* two lines and the field, where four rooms stand above */
    border-radius: var(--radius);
    background: var(--surface);
  }
  /* Below the pictures, which give it the room: the rooms beside them stay whole. */
  tk-device-panel,
  tk-arrangement {
    flex: none;
    max-height: 60%;
  }
  .banner {
    display: flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    padding: 6px 12px;
  }
  .banner svg {
    flex: none;
  }
  .banner.warn {
    background: var(--warn-ground);
    color: var(--warn);
  }
  .expected {
    display: grid;
    gap: 8px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .expected li {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
    padding: 12px 16px;
    border-radius: var(--radius);
    background: var(--surface);
  }
  .expected .state {
    display: flex;
    align-items: center;
    gap: 6px;
    white-space: nowrap;
  }
  .expected tk-readiness-signs {
    flex: 1 0 100%;
  }
  .ready {
    color: var(--accent);
  }
  tk-opening {
    flex: 1;
  }
  tk-state {
    flex: 1;
    padding: 24px;
  }
  /* A phone or a tablet, in an emergency: one below the other, the bars always in reach. */
  @media (max-width: 900px) {
    :host {
      height: 100dvh;
    }
    .middle {
      display: flex;
      flex-direction: column;
      overflow-y: auto;
    }
    .pictures {
      display: contents;
    }
    .stage {
      flex: none;
      height: clamp(220px, 64vw, 56vh);
    }
    .stage.check {
      height: auto;
    }
    aside {
      flex: 1 0 auto;
    }
    .rooms {
      flex: none;
      overflow: visible;
    }
    tk-chat {
      order: -1; /* what was asked for stands right below the stage */
      flex: none;
      height: min(240px, 30vh);
    }
    tk-device-panel,
    tk-arrangement {
      max-height: none;
    }
    .banner {
      flex-wrap: wrap;
      text-align: center;
    }
  }
`;
