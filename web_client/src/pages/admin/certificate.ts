// The certificate that is served, what is wrong with it, how PCs come to trust it, and which rooms'
// PCs have come in since there was something to trust.

import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get } from "../../api/client.ts";
import type { Acme, Certificate, Classroom, School } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { failure } from "../../components/states.ts";
import "../../components/trust_steps.ts";
import { icon } from "../../design/icons.ts";
import { base, cards, facts } from "../../design/shared.ts";
import { dayAndTime, facts as inARow } from "../../i18n/format.ts";
import { said } from "../../i18n/index.ts";

export class AdminCertificate extends TongkeElement {
  static override styles = [
    base,
    cards,
    facts,
    css`
      :host {
        display: grid;
        gap: 16px;
      }
      .card {
        display: grid;
        gap: 16px;
        padding: 24px;
      }
      .finding,
      .good {
        display: flex;
        gap: 8px;
        padding: 8px 12px;
        border-radius: var(--radius);
        background: var(--warn-ground);
        color: var(--warn);
      }
      .finding.shut {
        background: var(--alarm-ground);
        color: var(--alarm);
      }
      .good {
        background: var(--accent-ground);
        color: var(--accent-strong);
      }
      ul.missing {
        max-height: 240px;
        margin: 0;
        overflow-y: auto;
        columns: 280px;
      }
      .finding svg,
      .good svg {
        flex: none;
        margin-top: 2px;
      }
    `,
  ];

  @state() private certificate: Certificate | null | undefined;
  @state() private classrooms: readonly Classroom[] = [];
  @state() private schools: readonly School[] = [];
  @state() private error: unknown = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      const [certificate, classrooms, schools] = await Promise.all([
        get<Certificate | null>("/api/admin/certificate"),
        get<Classroom[]>("/api/classrooms"),
        get<School[]>("/api/schools"),
      ]);
      this.certificate = certificate;
      this.classrooms = classrooms;
      this.schools = schools;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  override render(): TemplateResult {
    const { certificate: words, app } = this.m;
    if (this.error !== null) return failure(app, this.error, () => void this.load());
    if (this.certificate === undefined) return html`<tk-skeleton rows="4"></tk-skeleton>`;
    return html`<h1 tabindex="-1">${words.title}</h1>
      ${this.certificate === null
        ? html`<div class="card"><p>${words.none}</p></div>`
        : this.served(this.certificate)}`;
  }

  private served(one: Certificate): TemplateResult {
    const { certificate: words, trust } = this.m;
    const ends = dayAndTime(one.ends_at);
    return html`<div class="card">
        <h2>${words.served}</h2>
        ${this.findings(one)}
        <dl>
          <dt>${words.names}</dt>
          <dd>${one.names.join(", ")}</dd>
          <dt>${words.issuer}</dt>
          <dd>${one.issuer}</dd>
          <dt>${words.until}</dt>
          <dd>${one.self_made || one.others ? words.renewsItself(ends) : ends}</dd>
          <dt>${words.fingerprint}</dt>
          <dd>${one.fingerprint}</dd>
          <dt>${words.reloads}</dt>
          <dd>${one.reloads}</dd>
        </dl>
      </div>
      ${one.acme ? this.byAcme(one.acme) : nothing}
      ${one.others
        ? html`<div class="card" data-testid="others">
            <h2>${words.others}</h2>
            <p>${words.othersLead}</p>
            <dl>
              <dt>${words.names}</dt>
              <dd>${one.others.names.join(", ")}</dd>
              <dt>${words.issuer}</dt>
              <dd>${one.others.issuer}</dd>
              <dt>${words.until}</dt>
              <dd>${words.renewsItself(dayAndTime(one.others.ends_at))}</dd>
            </dl>
          </div>`
        : nothing}
      ${one.trusted_since === null
        ? nothing
        : this.trusting(one.trusted_since, one.others ? one.issuer : "")}
      ${one.authority
        ? html`<div class="card">
              <h2>${trust.title}</h2>
              <tk-trust-steps></tk-trust-steps>
            </div>`
        : nothing}`;
  }

  private byAcme(one: Acme): TemplateResult {
    const { certificate: words } = this.m;
    const failing = one.standing === "failing";
    return html`<div class="card" data-testid="acme">
      <h2>${words.acme}</h2>
      <p class=${failing ? "finding" : "good"} data-testid="acme-${one.standing}">
        ${icon(failing ? "warning" : "check")}<span
          >${words.acmeStanding[one.standing]}${one.failed_at === null
            ? nothing
            : html` ${words.acmeFailedAt(dayAndTime(one.failed_at))}`}</span
        >
      </p>
      ${failing && said(one) !== "" ? html`<p data-testid="acme-why">${said(one)}</p>` : nothing}
      <dl>
        <dt>${words.acmeFor}</dt>
        <dd>${one.name}</dd>
        <dt>${words.acmeBy}</dt>
        <dd>${one.directory}</dd>
        <dt>${words.acmeNext}</dt>
        <dd>${dayAndTime(one.next_at)}</dd>
        ${one.detail === ""
          ? nothing
          : html`<dt>${words.acmeSaid}</dt>
              <dd>${one.detail}</dd>`}
      </dl>
    </div>`;
  }

  /**
   * Of a room that has not come in nobody knows more than that. `knownBy` is an issuer that browsers
   * know; "" is our own authority.
   */
  private trusting(since: number, knownBy: string): TemplateResult {
    const { certificate: words, trusted } = this.m;
    const { classrooms } = this;
    const missing = classrooms.filter((room) => !room.online && (room.last_seen ?? 0) < since);
    const school = (room: Classroom): string =>
      this.schools.find((one) => one.id === room.school_id)?.name ?? "";
    return html`<div class="card" data-testid="trusting">
      <h2>${trusted.heading}</h2>
      ${knownBy === "" ? nothing : html`<p>${words.known(knownBy)}</p>`}
      ${classrooms.length === 0
        ? html`<p>${trusted.noRooms}</p>`
        : missing.length === 0
          ? html`<p class="good">${icon("check")}<span>${trusted.all}</span></p>`
          : html`<p>${trusted.cameIn(classrooms.length - missing.length, classrooms.length)}</p>
              <p>${trusted.notYet}</p>
              <ul class="missing" tabindex="0">
                ${missing.map((room) => html`<li>${inARow([school(room), room.name])}</li>`)}
              </ul>`}
    </div>`;
  }

  private findings(one: Certificate): TemplateResult {
    const { certificate: words } = this.m;
    const told: { fault: string; words: string }[] = one.findings.map((finding) => ({
      fault: finding.fault,
      words: said(finding),
    }));
    // By another name or an address it is the other one that is shown.
    if (!isFor([...one.names, ...(one.others?.names ?? [])], location.hostname)) {
      told.push({ fault: "not-asked", words: words.notNamed(location.hostname) });
    }
    if (told.length === 0) {
      return html`<p class="good" data-testid="certificate-good">
        ${icon("check")}<span>${words.good}</span>
      </p>`;
    }
    return html`${told.map(
      (finding) =>
        html`<p
          class="finding ${["expired", "not-yet-valid"].includes(finding.fault) ? "shut" : ""}"
          role="alert"
          data-testid="certificate-${finding.fault}"
        >
          ${icon("warning")}<span>${finding.words}</span>
        </p>`,
    )}`;
  }
}

/** Whether a certificate for these names is one for `host`: a star is one label. */
export function isFor(names: readonly string[], host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  return names.includes(bare) || names.includes(`*.${bare.split(".").slice(1).join(".")}`);
}

define("tk-admin-certificate", AdminCertificate);

declare global {
  interface HTMLElementTagNameMap {
    "tk-admin-certificate": AdminCertificate;
  }
}
