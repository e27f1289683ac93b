// The classrooms, whether each is there, and the credentials of their devices.

import { html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get } from "../../api/client.ts";
import type { Classroom, Profile, School } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import type { Values } from "../../components/form.ts";
import { Polling } from "../../components/polling.ts";
import { icon } from "../../design/icons.ts";
import { relative } from "../../i18n/format.ts";
import { said } from "../../i18n/index.ts";
import { Collection } from "./collection.ts";
import "./credentials.ts";
import type { Value } from "./finding.ts";
import "./source_keys.ts";
import type { Todo } from "./table_tools.ts";

const LOOK_EVERY_MS = 5000;

export class AdminClassrooms extends Collection<Classroom> {
  protected readonly kind = "classrooms";
  protected override readonly polls = true;

  @state() private schools: readonly School[] = [];
  @state() private profiles: readonly Profile[] = [];
  @state() private open = "";

  constructor() {
    super();
    new Polling(this, () => this.look(), LOOK_EVERY_MS);
  }

  private async look(): Promise<void> {
    if (this.editing === null) await this.load();
  }

  protected override async loadMore(): Promise<void> {
    [this.schools, this.profiles] = await Promise.all([
      get<School[]>("/api/schools"),
      this.profiles.length ? this.profiles : get<Profile[]>("/api/profiles"),
    ]);
  }

  protected override valuesOf(item: Classroom | null): Values {
    return {
      school_id: item?.school_id ?? this.schools[0]?.id ?? "",
      name: item?.name ?? "",
      profile: item?.profile ?? "standard",
    };
  }

  protected override body(): Record<string, unknown> {
    return {
      school_id: this.text("school_id"),
      name: this.text("name").trim(),
      profile: this.text("profile"),
    };
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { app } = this.m;
    return {
      ...(this.text("name").trim() ? {} : { name: app.required }),
      ...(this.text("school_id") ? {} : { school_id: app.required }),
    };
  }

  protected override nameOf(item: Classroom): string {
    return item.name;
  }

  protected override headings(): string[] {
    const { admin } = this.m;
    return [admin.name, admin.school, admin.state, admin.profile];
  }

  protected override cells(item: Classroom): (TemplateResult | string)[] {
    const { admin } = this.m;
    const seen =
      item.last_seen === null
        ? admin.never
        : admin.seen(relative(item.last_seen, Date.now() / 1000));
    return [
      html`<strong>${item.name}</strong>`,
      this.schoolName(item.school_id),
      item.online
        ? html`<span class="badge good">${icon("check", 14)}${admin.online}</span>`
        : html`<span class="badge">${icon("linkLost", 14)}${admin.offline}</span>
            <span class="soft small">${seen}</span>`,
      this.profileName(item.profile),
    ];
  }

  protected override valuesOfCells(item: Classroom): Value[] {
    return [
      item.name,
      this.schoolName(item.school_id),
      item.online ? 0 : item.last_seen && Date.now() / 1000 - item.last_seen,
      this.profileName(item.profile),
    ];
  }

  protected override todos(): Todo<Classroom>[] {
    return [
      { id: "without-credential", waits: (item) => item.devices === 0 },
      { id: "copied-credential", waits: (item) => item.copied },
      { id: "never-seen", waits: (item) => item.last_seen === null && !item.online },
    ];
  }

  private schoolName(id: string): string {
    return this.schools.find((school) => school.id === id)?.name ?? "";
  }

  private profileName(name: string): string {
    const profile = this.profiles.find((one) => one.name === name);
    return profile ? said({ zh: profile.title_zh, en: profile.title_en }) : name;
  }

  protected override moreActions(item: Classroom): TemplateResult {
    const open = this.open === item.id;
    return html`<button
      class="quiet slim"
      data-testid="credentials-${item.id}"
      aria-label="${this.m.admin.credentials} ${item.name}"
      aria-expanded=${open ? "true" : "false"}
      @click=${() => (this.open = open ? "" : item.id)}
    >
      ${icon("key", 18)}${this.m.admin.credentials}
    </button>`;
  }

  protected override below(item: Classroom): TemplateResult | typeof nothing {
    if (this.open !== item.id) return nothing;
    return html`<tk-credentials .classroomId=${item.id} .name=${item.name}></tk-credentials>
      <tk-source-keys .classroomId=${item.id} .name=${item.name}></tk-source-keys>`;
  }

  protected override formFields(): TemplateResult {
    const { admin } = this.m;
    return html`${this.field("name", admin.name)}
    ${this.select(
      "school_id",
      admin.school,
      this.schools.map((school) => ({ value: school.id, words: school.name })),
    )}
    ${this.select(
      "profile",
      admin.profile,
      this.profiles.map((one) => ({ value: one.name, words: this.profileName(one.name) })),
    )}
    <p class="soft small" role="status" data-testid="profile-meaning">${this.profileMeaning()}</p>`;
  }

  /** For whom the chosen profile is: its name alone does not say it. */
  private profileMeaning(): string {
    const profile = this.profiles.find((one) => one.name === this.text("profile"));
    return profile ? said({ zh: profile.description_zh, en: profile.description_en }) : "";
  }
}

define("tk-admin-classrooms", AdminClassrooms);
