// What all forms share: values, words about what is wrong as one types, saving, and what came of it.

import { html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ApiError, SIGNED_OUT, wordsOf } from "../api/client.ts";
import { icon } from "../design/icons.ts";
import { keepDraft, takeDraft } from "./drafts.ts";
import { TongkeElement } from "./element.ts";

export type Values = Record<string, string | boolean | string[]>;

export interface FieldOptions {
  readonly type?: string;
  readonly hint?: string;
  readonly autocomplete?: AutoFill;
  readonly placeholder?: string;
  readonly optional?: boolean;
  readonly testId?: string;
  readonly longest?: number;
}

export interface Choice {
  readonly value: string;
  readonly words: string;
}

const LONGEST_TEXT = 120; // the server's own limit for names

export abstract class Form extends TongkeElement {
  @state() protected values: Values = {};
  @state() protected busy = false;
  @state() private touched: ReadonlySet<string> = new Set();
  @state() private failure: unknown = null;
  @state() private restored = false;
  private readonly secrets = new Set<string>();

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener(SIGNED_OUT, this.onSignedOut);
  }

  override disconnectedCallback(): void {
    removeEventListener(SIGNED_OUT, this.onSignedOut);
    super.disconnectedCallback();
  }

  /** Words about each value that is wrong. */
  protected abstract wrong(): Partial<Record<string, string>>;
  /** Hand the values to the server. */
  protected abstract save(): Promise<void>;

  /** What the form is about, for finding what was typed in it again; null: it is not kept. */
  protected draftOf(): string | null {
    return null;
  }

  /** The session has ended, and the page is about to go: what was typed waits for the person. */
  private readonly onSignedOut = (): void => {
    const about = this.draftOf();
    if (about === null || this.touched.size === 0) return;
    const open = Object.entries(this.values).filter(([name]) => !this.secrets.has(name));
    keepDraft(this.localName, about, Object.fromEntries(open));
  };

  /** Once the form has its values: what was typed before the session ended comes over them. */
  protected takeUpDraft(): void {
    const about = this.draftOf();
    const kept = about === null ? null : takeDraft(this.localName, about);
    if (!kept) return;
    const same = (name: string): boolean =>
      JSON.stringify(kept[name]) === JSON.stringify(this.values[name]);
    this.touched = new Set(Object.keys(kept).filter((name) => !same(name)));
    this.values = { ...this.values, ...kept };
    this.restored = true;
  }

  protected text(name: string): string {
    const value = this.values[name];
    return typeof value === "string" ? value : "";
  }

  protected list(name: string): string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value : [];
  }

  protected set(name: string, value: Values[string]): void {
    this.values = { ...this.values, [name]: value };
    this.touch(name);
    if (this.failure instanceof ApiError && this.failure.field(name)) this.failure = null;
  }

  /** Begin anew with these values. */
  protected reset(values: Values): void {
    this.values = values;
    this.touched = new Set();
    this.failure = null;
    this.restored = false;
  }

  private touch(name: string): void {
    if (!this.touched.has(name)) this.touched = new Set([...this.touched, name]);
  }

  protected readonly submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (this.busy) return; // its button is not disabled meanwhile: that would take the focus away
    const wrong = this.wrong();
    this.touched = new Set([...this.touched, ...Object.keys(wrong)]);
    if (Object.keys(wrong).length > 0) {
      await this.updateComplete;
      this.renderRoot.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
      return;
    }
    this.busy = true;
    this.failure = null;
    try {
      await this.save();
    } catch (error) {
      this.failure = error;
    } finally {
      this.busy = false;
    }
  };

  /** What is wrong with a field: our own words first, then the server's. */
  private wrongWith(name: string): string {
    const own = this.touched.has(name) ? (this.wrong()[name] ?? "") : "";
    return own || (this.failure instanceof ApiError ? this.failure.field(name) : "");
  }

  private wrongLine(name: string, wrong: string): TemplateResult | typeof nothing {
    return wrong ? html`<span class="wrong" id="wrong-${name}" role="alert">${wrong}</span>` : nothing;
  }

  protected field(name: string, label: string, options: FieldOptions = {}): TemplateResult {
    const wrong = this.wrongWith(name);
    if (options.type === "password") this.secrets.add(name);
    return html`<label>
      <span>
        ${label}
        ${options.optional ? html`<span class="hint">${this.m.app.optional}</span>` : nothing}
      </span>
      <input
        name=${name}
        type=${options.type ?? "text"}
        data-testid=${options.testId ?? `field-${name}`}
        .value=${this.text(name)}
        maxlength=${options.longest ?? LONGEST_TEXT}
        autocomplete=${options.autocomplete ?? "off"}
        placeholder=${options.placeholder ?? ""}
        aria-invalid=${wrong ? "true" : "false"}
        aria-describedby=${wrong ? `wrong-${name}` : nothing}
        @input=${(event: Event) => this.set(name, (event.target as HTMLInputElement).value)}
        @blur=${() => this.text(name) && this.touch(name)}
      />
      ${options.hint ? html`<span class="hint">${options.hint}</span>` : nothing}
      ${this.wrongLine(name, wrong)}
    </label>`;
  }

  protected select(name: string, label: string, choices: readonly Choice[]): TemplateResult {
    const wrong = this.wrongWith(name);
    return html`<label>
      ${label}
      <select
        name=${name}
        data-testid="field-${name}"
        aria-invalid=${wrong ? "true" : "false"}
        @change=${(event: Event) => this.set(name, (event.target as HTMLSelectElement).value)}
      >
        ${choices.map(
          (choice) =>
            html`<option value=${choice.value} ?selected=${choice.value === this.text(name)}>
              ${choice.words}
            </option>`,
        )}
      </select>
      ${this.wrongLine(name, wrong)}
    </label>`;
  }

  protected checks(
    name: string,
    label: string,
    choices: readonly (Choice & { detail?: TemplateResult })[],
    hint = "",
  ): TemplateResult {
    const wrong = this.wrongWith(name);
    const chosen = this.list(name);
    const toggle = (value: string, on: boolean): void =>
      this.set(name, on ? [...chosen, value] : chosen.filter((one) => one !== value));
    return html`<fieldset aria-invalid=${wrong ? "true" : "false"} tabindex="-1">
      <legend>${label} ${hint ? html`<span class="hint">${hint}</span>` : nothing}</legend>
      ${choices.map(
        (choice) =>
          html`<label class="check">
            <input
              type="checkbox"
              data-testid="check-${choice.value}"
              .checked=${chosen.includes(choice.value)}
              @change=${(event: Event) =>
                toggle(choice.value, (event.target as HTMLInputElement).checked)}
            />
            <span>${choice.words}</span>${choice.detail ?? nothing}
          </label>`,
      )}
      ${this.wrongLine(name, wrong)}
    </fieldset>`;
  }

  /** The failure that belongs to no single field; without one, that what was typed is back. */
  protected failureLine(): TemplateResult | typeof nothing {
    const { failure } = this;
    if (failure === null) {
      return this.restored
        ? html`<p class="hint" role="status" data-testid="restored">${this.m.app.typedIsBack}</p>`
        : nothing;
    }
    const fields = failure instanceof ApiError ? Object.keys(failure.fields) : [];
    if (fields.some((name) => name in this.values)) return nothing;
    return html`<p class="wrong" role="alert">
      ${icon("warning", 16)} ${wordsOf(failure, this.m.app.offline)}
    </p>`;
  }
}

/** What Escape does within an element. */
export function onEscape(then: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key === "Escape") then();
  };
}
