// Where the QR code on a room's screen leads: which classroom is that? For administrators, on a phone.

import { css, html, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get } from "../api/client.ts";
import type { Classroom, School, SessionAnswer } from "../api/types.ts";
import { define, TongkeElement } from "../components/element.ts";
import type { Choice } from "../components/form.ts";
import "../components/pair_form.ts";
import { failure } from "../components/states.ts";
import { base, cards } from "../design/shared.ts";

export class Pair extends TongkeElement {
  static override styles = [
    base,
    cards,
    css`
      :host {
        display: grid;
        align-content: start;
        justify-items: center;
        padding: 24px;
      }
      .card {
        display: grid;
        gap: 16px;
        width: min(640px, 100%);
      }
    `,
  ];

  @property() code = "";
  @property({ attribute: false }) may: SessionAnswer["may"] = [];
  @state() private classrooms: readonly Choice[] | null = null;
  @state() private error: unknown = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      const [classrooms, schools] = await Promise.all([
        get<Classroom[]>("/api/classrooms"),
        get<School[]>("/api/schools"),
      ]);
      const names = new Map(schools.map((one) => [one.id, one.name]));
      this.classrooms = classrooms.map(({ id, school_id, name }) => ({
        value: id,
        words: `${names.get(school_id) ?? ""} · ${name}`,
      }));
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  override render(): TemplateResult {
    const { app, pairing } = this.m;
    if (this.error !== null) return failure(app, this.error, () => void this.load());
    if (!this.may.includes("administer")) {
      return html`<tk-state
        symbol="key"
        heading=${pairing.title}
        text=${pairing.onlyAdministrators}
      ></tk-state>`;
    }
    return html`<section class="card">
      <h1>${pairing.title}</h1>
      <p class="soft">${pairing.which}</p>
      ${this.classrooms
        ? html`<tk-pair-form .code=${this.code} .classrooms=${this.classrooms}></tk-pair-form>`
        : html`<tk-skeleton rows="2"></tk-skeleton>`}
    </section>`;
  }
}

define("tk-pair", Pair);

declare global {
  interface HTMLElementTagNameMap {
    "tk-pair": Pair;
  }
}
