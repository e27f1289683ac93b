// The figures on a room's screen, and which classroom that is: what an administrator says of them.

import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { post } from "../api/client.ts";
import type { Credential } from "../api/types.ts";
import { icon } from "../design/icons.ts";
import { base, controls, fields } from "../design/shared.ts";
import { define } from "./element.ts";
import { type Choice, Form } from "./form.ts";

export class PairForm extends Form {
  static override styles = [
    base,
    controls,
    fields,
    css`
      :host {
        display: grid;
        gap: 12px;
      }
      form {
        display: flex;
        flex-wrap: wrap;
        align-items: start;
        gap: 8px;
      }
      label {
        width: min(280px, 100%);
      }
      label:has(select) {
        width: min(560px, 100%); /* a school's and a classroom's name */
      }
      form button {
        margin-top: 28px; /* beside the fields, not beside what is wrong with them */
      }
      p {
        max-width: 70ch;
      }
      .done {
        display: flex;
        align-items: center;
        gap: 8px;
        color: var(--accent-strong);
      }
    `,
  ];

  /** The classroom it is about; "" for one of `classrooms`. */
  @property() classroomId = "";
  @property({ attribute: false }) classrooms: readonly Choice[] = [];
  /** Figures that are known already. */
  @property() code = "";
  @state() private paired = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.values = this.blank(this.code);
  }

  private blank(code: string): Record<string, string> {
    return { code, label: this.m.pairing.usualLabel, classroom_id: this.classroomId };
  }

  private figures(): string {
    return this.text("code").replace(/[\s-]/g, "");
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { app, pairing } = this.m;
    return {
      ...(/^[0-9]{8}$/.test(this.figures()) ? {} : { code: pairing.eightFigures }),
      ...(this.text("label").trim() ? {} : { label: app.required }),
      ...(this.text("classroom_id") ? {} : { classroom_id: app.required }),
    };
  }

  protected override async save(): Promise<void> {
    this.paired = false;
    const path = `/api/classrooms/${encodeURIComponent(this.text("classroom_id"))}/pair`;
    await post<Credential>(path, { code: this.figures(), label: this.text("label").trim() });
    this.reset(this.blank(""));
    this.paired = true;
    this.dispatchEvent(new CustomEvent("paired"));
  }

  override render(): TemplateResult {
    const { pairing, admin } = this.m;
    return html`<form novalidate @submit=${this.submit}>
        ${this.field("code", pairing.code, { type: "tel", placeholder: "1234 5678", longest: 16 })}
        ${this.classroomId
          ? nothing
          : this.select("classroom_id", pairing.classroom, [
              { value: "", words: admin.choose },
              ...this.classrooms,
            ])}
        ${this.field("label", admin.credentialLabel, { testId: "field-pair-label" })}
        <button class="main" data-testid="pair" aria-disabled=${this.busy ? "true" : "false"}>
          ${pairing.pair}
        </button>
      </form>
      <div role="status">
        ${this.paired
          ? html`<p class="done">${icon("check")}${pairing.done}</p>`
          : nothing}
      </div>
      ${this.failureLine()}`;
  }
}

define("tk-pair-form", PairForm);

declare global {
  interface HTMLElementTagNameMap {
    "tk-pair-form": PairForm;
  }
}
