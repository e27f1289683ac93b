// The library: recorded lessons as cards, found by words, subject, school and time.

import { html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { getPage, type Page, post, SIGNED_OUT, Unreachable, wordsOf } from "../../api/client.ts";
import type { Recording } from "../../api/types.ts";
import { keepDraft, takeDraft } from "../../components/drafts.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { failure } from "../../components/states.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, controls, fields } from "../../design/shared.ts";
import "./recording_card.ts";
import { libraryStyles } from "./styles.ts";

const TYPING_MS = 300; // search when the person pauses, not at every letter
const UNFINISHED_MS = 3000; // a lesson that has just ended becomes playable within seconds
const AT_ONCE = 60; // cards: some screens full
const MOST_AT_ONCE = 500; // the server gives no more
const LAST_MOMENT = 4e9; // the server's own limit: the year 2096
const FILTERS = "filters"; // what its draft is about
const UNDO = ".undo button";

const NO_FILTERS = { text: "", subject: "", school: "", from: "", to: "" };
type Filters = Readonly<typeof NO_FILTERS>;

export class Library extends TongkeElement {
  static override styles = [base, controls, fields, cards, libraryStyles];

  @state() private recordings: readonly Recording[] | null = null;
  /** Where those are that come after; null when all are here. */
  @state() private next: string | null = null;
  /** Every subject and school seen so far: filtering must not empty the filters. */
  @state() private subjects: ReadonlySet<string> = new Set();
  @state() private schools: ReadonlySet<string> = new Set();
  @state() private filters: Filters = NO_FILTERS;
  @state() private error: unknown = null;
  /** On a narrow screen the filters stand behind a button. */
  @state() private filtersOpen = false;
  @state() private undo: { readonly id: string; readonly title: string } | null = null;
  @state() private said = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private typing: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;
  /** The last question that was answered, or got none. */
  private answered = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener(SIGNED_OUT, this.onSignedOut);
    this.filters = { ...NO_FILTERS, ...takeDraft(this.localName, FILTERS) };
    const { subject, school, from, to } = this.filters;
    this.filtersOpen = [subject, school, from, to].some(Boolean);
    void this.load();
  }

  override disconnectedCallback(): void {
    for (const timer of [this.timer, this.typing]) clearTimeout(timer);
    removeEventListener(SIGNED_OUT, this.onSignedOut);
    super.disconnectedCallback();
  }

  /** The session has ended: what was looked for waits for the person. */
  private readonly onSignedOut = (): void => {
    if (this.query() !== "") keepDraft(this.localName, FILTERS, this.filters);
  };

  private query(): string {
    const { text, subject, school, from, to } = this.filters;
    const parameters = new URLSearchParams();
    const words = text.replace(/[\s\p{Cc}]+/gu, " ").trim(); // out of a table comes a tab
    if (words) parameters.set("text", words);
    if (subject) parameters.set("subject", subject);
    if (school) parameters.set("school", school);
    if (from) parameters.set("from", momentAt(`${from}T00:00`));
    if (to) parameters.set("to", momentAt(`${to}T23:59:59`));
    return parameters.toString();
  }

  private page(rows: number): string {
    const asked = new URLSearchParams(this.query());
    asked.set("limit", String(rows));
    return `/api/recordings?${asked}`;
  }

  /** The newest that fit. */
  private readonly load = (): Promise<void> => this.ask(this.page(AT_ONCE), (page) => page);

  /** Those that come after what is here. */
  private readonly more = async (): Promise<void> => {
    const known = this.recordings ?? [];
    if (this.next === null) return;
    await this.ask(this.next, ({ rows, next }) => ({ rows: joined(known, rows), next }));
    this.focusOn(`li:nth-child(${known.length + 1}) tk-recording-card`);
  };

  /** What is here, as it is now; behind what the server gives at once it stays as it was. */
  private readonly refresh = (): Promise<void> => {
    const known = this.recordings ?? [];
    const rows = Math.min(MOST_AT_ONCE, Math.max(AT_ONCE, known.length));
    return this.ask(
      this.page(rows),
      (page) => (known.length > rows ? { rows: joined(page.rows, known), next: this.next } : page),
      true,
    );
  };

  /** `again`: what is here stays while nobody answers, and is looked at again. */
  private async ask(
    address: string,
    join: (page: Page<Recording>) => Page<Recording>,
    again = false,
  ): Promise<void> {
    clearTimeout(this.timer);
    const mine = ++this.asked;
    try {
      const page = await getPage<Recording>(address);
      if (mine !== this.asked) return; // a later question is on its way
      this.answered = mine;
      const { rows, next } = join(page);
      this.recordings = rows;
      this.next = next;
      this.error = null;
      this.subjects = new Set([...this.subjects, ...rows.map((one) => one.subject)]);
      this.schools = new Set([...this.schools, ...rows.flatMap((one) => one.schools)]);
      if (rows.some((one) => one.state === "recording" || one.state === "finishing")) {
        this.refreshLater();
      }
    } catch (error) {
      if (mine !== this.asked) return;
      this.answered = mine;
      if (again && error instanceof Unreachable) this.refreshLater();
      else this.error = error;
    }
  }

  private refreshLater(): void {
    this.timer = setTimeout(() => void this.refresh(), UNFINISHED_MS);
  }

  /** An answer that is on its way does not know yet what was just done. */
  private askAnew(): void {
    if (this.answered !== this.asked) void this.refresh();
  }

  private filter(change: Partial<Filters>): void {
    this.filters = { ...this.filters, ...change };
    clearTimeout(this.typing);
    this.typing = setTimeout(() => void this.load(), TYPING_MS);
  }

  private renamed(id: string, title: string): void {
    const rows = this.recordings ?? [];
    this.recordings = rows.map((one) => (one.id === id ? { ...one, title } : one));
    this.askAnew();
  }

  private deleted(id: string, title: string): void {
    this.recordings = (this.recordings ?? []).filter((one) => one.id !== id);
    this.said = "";
    this.undo = { id, title };
    this.focusOn(UNDO);
    this.askAnew();
  }

  private async restore(id: string, title: string): Promise<void> {
    try {
      await post(`/api/recordings/${encodeURIComponent(id)}/restore`);
    } catch (error) {
      this.said = wordsOf(error, this.m.app.offline);
      return;
    }
    this.undo = null;
    this.said = this.m.admin.restored(title);
    await this.refresh();
    this.focusOn(`tk-recording-card[data-id="${CSS.escape(id)}"]`, "[data-testid=library-search]");
  }

  override render(): TemplateResult {
    const { m } = this;
    return html`${this.recordings?.length === 0 && this.query() === "" ? nothing : this.aside()}
      <section aria-labelledby="title">
        <h1 id="title" class="visually-hidden">${m.library.title}</h1>
        <div class="search" role="search">
          ${icon("search")}
          <input
            type="search"
            data-testid="library-search"
            maxlength="120"
            aria-label=${m.library.search}
            placeholder=${m.library.search}
            .value=${this.filters.text}
            @input=${(event: Event) =>
              this.filter({ text: (event.target as HTMLInputElement).value })}
          />
        </div>
        ${this.undoLine()} ${this.results()}
      </section>`;
  }

  private readonly clear = (): void => {
    this.filter(NO_FILTERS);
    this.focusOn("[data-testid=library-search]");
  };

  private aside(): TemplateResult {
    const { m } = this;
    return html`<aside aria-label=${m.library.filters} class=${this.filtersOpen ? "open" : ""}>
        <button
          class="filters-button"
          aria-expanded=${this.filtersOpen ? "true" : "false"}
          @click=${() => (this.filtersOpen = !this.filtersOpen)}
        >
          ${icon("filter")}${m.library.filters}
        </button>
        <h2>${m.library.filters}</h2>
        ${this.choice("subject", m.library.subject, this.subjects)}
        ${this.choice("school", m.library.school, this.schools)} ${this.day("from", m.library.from)}
        ${this.day("to", m.library.to)}
        ${this.query() === ""
          ? nothing
          : html`<button data-testid="clear" @click=${this.clear}>${m.library.clear}</button>`}
      </aside>`;
  }

  private undoLine(): TemplateResult {
    const { undo, m } = this;
    // The place is there before its words are: only then is what appears in it read out.
    return html`<div role="status">
      ${undo || this.said
        ? html`<div class="undo">
            ${this.said || m.admin.deleted(undo?.title ?? "")}
            ${undo
              ? html`<button class="slim" @click=${() => void this.restore(undo.id, undo.title)}>
                  ${m.admin.undo}
                </button>`
              : nothing}
          </div>`
        : nothing}
    </div>`;
  }

  private results(): TemplateResult {
    const { m, recordings } = this;
    if (this.error !== null) return failure(m.app, this.error, () => void this.load());
    if (!recordings) return html`<tk-skeleton rows="3"></tk-skeleton>`;
    if (recordings.length === 0) {
      const filtered = this.query() !== "";
      return html`<tk-state
        symbol=${filtered ? "search" : "library"}
        heading=${filtered ? m.library.nothingTitle : m.library.emptyTitle}
        text=${filtered ? m.library.nothing : m.library.empty}
        >${filtered
          ? html`<button data-testid="show-all" @click=${this.clear}>${m.library.showAll}</button>`
          : html`<a href="/">${m.app.toToday}</a>`}</tk-state
      >`;
    }
    const { found, foundFirst } = m.library;
    const count = recordings.length;
    return html`<p class="soft" role="status">
        ${this.next === null ? found(count) : foundFirst(count)}
      </p>
      <ul class="cards">
        ${repeat(
          recordings,
          (recording) => recording.id,
          (recording) =>
            html`<li>
              <tk-recording-card
                data-id=${recording.id}
                .recording=${recording}
                @renamed=${(event: CustomEvent<string>) => this.renamed(recording.id, event.detail)}
                @deleted=${(event: CustomEvent<string>) => this.deleted(recording.id, event.detail)}
              ></tk-recording-card>
            </li>`,
        )}
      </ul>
      ${this.next === null
        ? nothing
        : html`<button class="more" data-testid="more" @click=${this.more}>
            ${m.library.more}
          </button>`}`;
  }

  private choice(
    name: "subject" | "school",
    label: string,
    choices: ReadonlySet<string>,
  ): TemplateResult | typeof nothing {
    const known = [...new Set([...choices, this.filters[name]])].filter(Boolean).sort((a, b) => a.localeCompare(b));
    if (known.length === 0) return nothing;
    return html`<label>
      ${label}
      <select
        @change=${(event: Event) =>
          this.filter({ [name]: (event.target as HTMLSelectElement).value })}
      >
        <option value="" ?selected=${this.filters[name] === ""}>${this.m.library.all}</option>
        ${known.map(
          (one) =>
            html`<option value=${one} ?selected=${this.filters[name] === one}>${one}</option>`,
        )}
      </select>
    </label>`;
  }

  private day(name: "from" | "to", label: string): TemplateResult {
    return html`<label>
      ${label}
      <input
        type="date"
        .value=${this.filters[name]}
        @change=${(event: Event) => this.filter({ [name]: (event.target as HTMLInputElement).value })}
      />
    </label>`;
  }
}

/** In seconds. A year that is being typed (0002), or that no lesson has, is the nearest the server takes. */
function momentAt(local: string): string {
  const at = new Date(local).getTime() / 1000;
  return String(Math.min(LAST_MOMENT, Math.max(0, at || 0)));
}

/** One list behind the other; what stands in both stands where it does in the first. */
function joined(first: readonly Recording[], then: readonly Recording[]): readonly Recording[] {
  const known = new Set(first.map((one) => one.id));
  return [...first, ...then.filter((one) => !known.has(one.id))];
}

define("tk-library", Library);
