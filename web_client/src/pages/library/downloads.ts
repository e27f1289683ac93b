// A recording's files, to be kept: the whole lesson as one, and each picture with its sound.

import { css, html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { Part, Recording } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base } from "../../design/shared.ts";
import { clock, facts } from "../../i18n/format.ts";
import { keptAddress } from "../player/media.ts";
import type { FileKind } from "./lesson_file.ts";
import "./lesson_file.ts";

/** What is shorter comes from leaving and coming back: nobody looks for it. */
const FRAGMENT_S = 10;

/** The one that most people look for stands first. */
const KINDS: readonly FileKind[] = ["film", "tracks", "export"];

/** What no file system takes in a name. */
const NOT_IN_NAMES = /[\\/:*?"<>|\p{Cc}]+/gu;

export class Downloads extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 16px;
      }
      summary {
        min-height: 40px; /* a finger's */
        padding: 8px 0;
        color: var(--accent-strong);
        cursor: pointer;
      }
      ul {
        display: grid;
        gap: 4px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      a {
        display: flex;
        align-items: center;
        gap: 8px;
        min-height: 40px;
        overflow-wrap: anywhere;
      }
      svg {
        flex: none;
      }
    `,
  ];

  /** With its parts. */
  @property({ attribute: false }) recording!: Recording;

  override render(): TemplateResult {
    const { recording, m } = this;
    if (recording.parts.length === 0) return html`<p class="soft">${m.player.noParts}</p>`;
    const short = recording.parts.filter((part) => part.duration_s < FRAGMENT_S);
    const long = recording.parts.filter((part) => !short.includes(part));
    return html`${KINDS.map(
        (kind) => html`<tk-lesson-file kind=${kind} .recording=${recording}></tk-lesson-file>`,
      )}
      <details>
        <summary>${m.library.singles}</summary>
        <p class="soft small">${m.library.filesHint}</p>
        ${this.files(long.length ? long : recording.parts)}
        ${long.length && short.length
          ? html`<details class="fragments">
              <summary>${m.library.fragments(short.length)}</summary>
              ${this.files(short)}
            </details>`
          : nothing}
      </details>`;
  }

  private files(parts: readonly Part[]): TemplateResult {
    const { recording } = this;
    return html`<ul>
      ${parts.map(
        (part) =>
          html`<li>
            <a
              href=${keptAddress(recording.id, part.file)}
              download=${fileName(recording, part, this.name(part))}
              >${icon("download", 18)}<span>${this.name(part)}
                <span class="soft small">${this.extent(part)}</span></span
            ></a>
          </li>`,
      )}
    </ul>`;
  }

  private name(part: Part): string {
    return this.m.tile.pictureOf(part.name, this.m.sources[part.source]);
  }

  private extent(part: Part): string {
    return `${clock(part.start_s)}–${clock(Math.ceil(part.start_s + part.duration_s))}`;
  }
}

/** As people find it again: lesson, whose picture, and when it begins in the lesson. */
export function fileName(recording: Recording, part: Part, name: string): string {
  const ending = /\.[a-z0-9]+$/i.exec(part.file)?.[0] ?? "";
  const begins = clock(part.start_s).replaceAll(":", ".");
  const words = facts([recording.title, name, begins]).replaceAll(" · ", " - ");
  return words.replace(NOT_IN_NAMES, " ").replace(/ +/g, " ").trim() + ending;
}

define("tk-downloads", Downloads);
