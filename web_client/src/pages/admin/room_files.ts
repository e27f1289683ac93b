// The one file that makes a PC this classroom: made for each PC, downloaded at once.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { post, wordsOf } from "../../api/client.ts";
import type { RoomFile } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon } from "../../design/icons.ts";
import { base, controls } from "../../design/shared.ts";

type System = "windows" | "linux";

const ENDINGS: Record<System, string> = { windows: "cmd", linux: "sh" };

export class RoomFiles extends TongkeElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        display: grid;
        gap: 8px;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      p,
      ol {
        max-width: 70ch;
        margin: 0;
      }
      .wrong {
        color: var(--alarm);
      }
    `,
  ];

  @property() classroomId = "";
  @property() name = "";
  @state() private busy = false;
  @state() private made: System | "" = "";
  @state() private error = "";

  private async make(system: System): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = "";
    try {
      const label = this.m.roomFile.label[system];
      const path = `/api/classrooms/${encodeURIComponent(this.classroomId)}/room_files`;
      const file = await post<RoomFile>(path, { label, system });
      saveAs(file.text, fileName(this.name, system));
      this.made = system;
      this.dispatchEvent(new CustomEvent("made"));
    } catch (error) {
      this.error = wordsOf(error, this.m.app.offline);
    } finally {
      this.busy = false;
    }
  }

  override render(): TemplateResult {
    const { roomFile } = this.m;
    return html`<p class="soft">${roomFile.lead}</p>
      <div class="row">
        ${(["windows", "linux"] as const).map(
          (system) =>
            html`<button
              data-testid="room-file-${system}"
              aria-disabled=${this.busy ? "true" : "false"}
              @click=${() => void this.make(system)}
            >
              ${icon("room", 18)}${roomFile.download[system]}
            </button>`,
        )}
      </div>
      <div role="status">
        ${this.made
          ? html`<ol>
              ${roomFile.steps[this.made].map((step) => html`<li>${step}</li>`)}
            </ol>`
          : nothing}
      </div>
      ${this.error ? html`<p class="wrong" role="alert">${this.error}</p>` : nothing}`;
  }
}

/** The classroom's name stands in the file's name alone, and there only its letters and figures. */
export function fileName(classroom: string, system: System): string {
  const name = classroom.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return `tongke-${name || "room"}.${ENDINGS[system]}`;
}

function saveAs(text: string, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

define("tk-room-files", RoomFiles);

declare global {
  interface HTMLElementTagNameMap {
    "tk-room-files": RoomFiles;
  }
}
