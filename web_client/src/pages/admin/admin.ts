// Administration: its sections at the left, one of them at a time.

import { css, html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { User } from "../../api/types.ts";
import { define, TongkeElement } from "../../components/element.ts";
import { icon, type IconName } from "../../design/icons.ts";
import { base } from "../../design/shared.ts";
import { ADMIN_SECTIONS, type AdminSection } from "../../router.ts";
import "./classrooms.ts";
import "./certificate.ts";
import "./communities.ts";
import "./deleted.ts";
import "./import.ts";
import "./keeping.ts";
import "./live.ts";
import "./schools.ts";
import "./server.ts";
import "./users.ts";

const ICONS: Record<AdminSection, IconName> = {
  live: "live",
  schools: "school",
  classrooms: "room",
  communities: "community",
  users: "people",
  import: "upload",
  certificate: "lock",
  server: "server",
  keeping: "record",
  deleted: "trash",
};

export class Admin extends TongkeElement {
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        grid-template-columns: 220px minmax(0, 1fr);
        align-content: start;
        gap: 24px;
        width: min(1440px, 100%);
        margin: 0 auto;
        padding: 24px;
      }
      nav {
        display: grid;
        align-content: start;
        gap: 4px;
      }
      a {
        display: flex;
        align-items: center;
        gap: 10px;
        min-height: 44px;
        padding: 0 14px;
        border-radius: var(--radius);
        color: var(--ink);
        text-decoration: none;
      }
      a:hover {
        background: var(--surface-raised);
      }
      a[aria-current="page"] {
        background: var(--accent-ground);
        color: var(--accent-strong);
        font-weight: 600;
      }
      @media (max-width: 900px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
        }
        /* Beside each other: what one has come for is not below the fold. */
        nav {
          display: flex;
          flex-wrap: wrap;
        }
      }
    `,
  ];

  @property() section: AdminSection = "live";
  @property({ attribute: false }) user: User | null = null;

  override render(): TemplateResult {
    const { admin, app } = this.m;
    return html`<nav aria-label=${app.admin}>
        ${ADMIN_SECTIONS.map(
          (section) =>
            html`<a
              href="/admin/${section}"
              aria-current=${section === this.section ? "page" : "false"}
              >${icon(ICONS[section])}${admin.sections[section]}</a
            >`,
        )}
      </nav>
      <section>${this.content()}</section>`;
  }

  private content(): TemplateResult {
    switch (this.section) {
      case "live":
        return html`<tk-admin-live></tk-admin-live>`;
      case "schools":
        return html`<tk-admin-schools></tk-admin-schools>`;
      case "classrooms":
        return html`<tk-admin-classrooms></tk-admin-classrooms>`;
      case "communities":
        return html`<tk-admin-communities></tk-admin-communities>`;
      case "users":
        return html`<tk-admin-users .user=${this.user}></tk-admin-users>`;
      case "import":
        return html`<tk-admin-import></tk-admin-import>`;
      case "server":
        return html`<tk-admin-server></tk-admin-server>`;
      case "certificate":
        return html`<tk-admin-certificate></tk-admin-certificate>`;
      case "keeping":
        return html`<tk-admin-keeping></tk-admin-keeping>`;
      case "deleted":
        return html`<tk-admin-deleted></tk-admin-deleted>`;
    }
  }
}

define("tk-admin", Admin);
