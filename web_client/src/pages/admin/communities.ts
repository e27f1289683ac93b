// The communities: one school leads, its partners take part; each drawn as a small map of lines.

import { css, html, svg, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get } from "../../api/client.ts";
import type { Community, School } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import type { Values } from "../../components/form.ts";
import { keepingWords } from "../../i18n/keeping.ts";
import { Collection } from "./collection.ts";
import type { Value } from "./finding.ts";

const USUAL_MOST_PARTNERS = 3; // until a community has told the server's own limit

const LONGEST_DAYS = 3660; // the server's own limit

const MAP = { width: 120, row: 44, dot: 10 }; // a row is as high as a partner's line of text

export class AdminCommunities extends Collection<Community> {
  static override styles = [
    ...Collection.styles,
    css`
      .map {
        display: flex;
        align-items: center;
        gap: 8px;
      }
      .map strong {
        min-width: 6em;
        max-width: 16em;
      }
      .map svg {
        flex: none;
      }
      .map ul {
        min-width: 13em; /* two lines a name at most: a row has no more */
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .map li {
        display: flex;
        align-items: center;
        height: 44px;
        line-height: 1.2;
      }
      /* On a phone the map has the whole width, the lead stands above its lines. */
      @media (max-width: 600px) {
        table.stacks td:has(.map) {
          padding-inline-start: 16px;
        }
        table.stacks td:has(.map)::before {
          content: none;
        }
        .map {
          flex-wrap: wrap;
        }
        .map strong {
          flex-basis: 100%;
          max-width: none;
          font-weight: normal;
        }
        .map ul {
          flex: 1;
          min-width: 0;
        }
      }
    `,
  ];

  protected readonly kind = "communities";

  @state() private schools: readonly School[] = [];

  protected override async loadMore(): Promise<void> {
    this.schools = await get<School[]>("/api/schools");
  }

  private schoolName(id: string): string {
    return this.schools.find((school) => school.id === id)?.name ?? "";
  }

  protected override valuesOf(item: Community | null): Values {
    const urban = this.schools.find((school) => school.kind === "urban");
    return {
      name: item?.name ?? "",
      lead_school_id: item?.lead_school_id ?? urban?.id ?? "",
      partner_school_ids: item?.partner_school_ids ?? [],
      retention: item?.retention ?? "keep",
      retention_days: item?.retention_days ? String(item.retention_days) : "",
      quota_gb: item?.quota_gb ? String(item.quota_gb) : "",
    };
  }

  protected override body(): Record<string, unknown> {
    const lead = this.text("lead_school_id");
    return {
      name: this.text("name").trim(),
      lead_school_id: lead,
      partner_school_ids: this.list("partner_school_ids").filter((id) => id !== lead),
      retention: this.text("retention"),
      retention_days: this.keeps() ? null : Number(this.text("retention_days")),
      quota_gb: this.text("quota_gb").trim() ? Number(this.text("quota_gb")) : null,
    };
  }

  private keeps(): boolean {
    return this.text("retention") === "keep";
  }

  private most(): number {
    return this.items?.[0]?.max_partners ?? USUAL_MOST_PARTNERS;
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { app, admin } = this.m;
    const keeping = keepingWords();
    const partners = this.list("partner_school_ids").length;
    const days = Number(this.text("retention_days"));
    const quota = this.text("quota_gb").trim();
    return {
      ...(this.text("name").trim() ? {} : { name: app.required }),
      ...(this.text("lead_school_id") ? {} : { lead_school_id: admin.noLeadSchool }),
      ...(partners === 0 ? { partner_school_ids: admin.noPartners } : {}),
      ...(partners > this.most()
        ? { partner_school_ids: admin.partnersHint(this.most()) }
        : {}),
      ...(this.keeps() || (Number.isInteger(days) && days >= 1 && days <= LONGEST_DAYS)
        ? {}
        : { retention_days: keeping.daysWrong }),
      ...(!quota || Number(quota) > 0 ? {} : { quota_gb: keeping.quotaWrong }),
    };
  }

  protected override nameOf(item: Community): string {
    return item.name;
  }

  protected override headings(): string[] {
    return [this.m.admin.name, `${this.m.admin.leadSchool} · ${this.m.admin.partners}`];
  }

  protected override cells(item: Community): (TemplateResult | string)[] {
    return [html`<strong>${item.name}</strong>`, this.map(item)];
  }

  protected override valuesOfCells(item: Community): Value[] {
    const schools = [item.lead_school_id, ...item.partner_school_ids];
    return [item.name, schools.map((id) => this.schoolName(id)).join(" ")];
  }

  /** The lead at the left, a line to each partner. Names are text beside the lines, so they wrap. */
  private map(item: Community): TemplateResult {
    const partners = item.partner_school_ids;
    const height = Math.max(1, partners.length) * MAP.row;
    const middle = height / 2;
    const far = MAP.width - MAP.dot;
    return html`<div class="map">
      <strong>${this.schoolName(item.lead_school_id)}</strong>
      <svg width=${MAP.width} height=${height} aria-hidden="true">
        ${partners.map((_, place) => {
          const y = (place + 0.5) * MAP.row;
          return svg`<path
              d="M ${MAP.dot} ${middle} C ${MAP.width / 2} ${middle}, ${MAP.width / 2} ${y}, ${far} ${y}"
              fill="none" stroke="var(--line-strong)" stroke-width="1.5" />
            <circle cx=${far} cy=${y} r="6" fill="var(--line-strong)" />`;
        })}
        <circle cx=${MAP.dot} cy=${middle} r="9" fill="var(--accent)" />
      </svg>
      <ul>
        ${partners.map((id) => html`<li>${this.schoolName(id)}</li>`)}
      </ul>
    </div>`;
  }

  protected override formFields(): TemplateResult {
    const { admin } = this.m;
    const keeping = keepingWords();
    const lead = this.text("lead_school_id");
    const rules = ["keep", "program", "delete"] as const;
    return html`${this.field("name", admin.name)}
    ${this.select("lead_school_id", admin.leadSchool, [
      { value: "", words: admin.choose },
      ...this.schools.map((school) => ({ value: school.id, words: school.name })),
    ])}
    ${this.schools.length < 2
      ? html`<p class="soft" data-testid="needs-schools">
          ${admin.needsSchools} <a href="/admin/schools">${admin.add.schools}</a>
        </p>`
      : this.checks(
          "partner_school_ids",
          admin.partners,
          this.schools
            .filter((school) => school.id !== lead)
            .map((school) => ({ value: school.id, words: school.name })),
          admin.partnersHint(this.most()),
        )}
    ${this.select(
      "retention",
      keeping.rule,
      rules.map((rule) => ({ value: rule, words: keeping.rules[rule] })),
    )}
    ${this.keeps()
      ? ""
      : this.field("retention_days", keeping.days, { type: "number", longest: 4 })}
    ${this.field("quota_gb", keeping.quota, {
      optional: true,
      hint: keeping.quotaHint,
      longest: 9,
    })}`;
  }
}

define("tk-admin-communities", AdminCommunities);
