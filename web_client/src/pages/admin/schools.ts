// The schools of the region, and what each still lacks.

import { html, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { get } from "../../api/client.ts";
import type { Classroom, Community, School, User } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import type { Values } from "../../components/form.ts";
import { Collection } from "./collection.ts";
import type { Value } from "./finding.ts";
import type { Todo } from "./table_tools.ts";

/** The ids of the schools that have one. */
interface Having {
  readonly classroom: ReadonlySet<string>;
  readonly teacher: ReadonlySet<string | null>;
  readonly community: ReadonlySet<string>;
}

export class AdminSchools extends Collection<School> {
  protected readonly kind = "schools";
  @state() private having: Having | null = null;

  protected override async loadMore(): Promise<void> {
    const [classrooms, users, communities] = await Promise.all([
      get<Classroom[]>("/api/classrooms"),
      get<User[]>("/api/users"),
      get<Community[]>("/api/communities"),
    ]);
    this.having = {
      classroom: new Set(classrooms.map((room) => room.school_id)),
      teacher: new Set(users.map((user) => user.school_id)),
      community: new Set(
        communities.flatMap((one) => [one.lead_school_id, ...one.partner_school_ids]),
      ),
    };
  }

  protected override todos(): Todo<School>[] {
    const { having } = this;
    if (!having) return [];
    return [
      { id: "without-classroom", waits: ({ id }) => !having.classroom.has(id) },
      { id: "without-teacher", waits: ({ id }) => !having.teacher.has(id) },
      { id: "without-community", waits: ({ id }) => !having.community.has(id) },
    ];
  }

  protected override valuesOf(item: School | null): Values {
    return { name: item?.name ?? "", kind: item?.kind ?? "rural" };
  }

  protected override body(): Record<string, unknown> {
    return { name: this.text("name").trim(), kind: this.text("kind") };
  }

  protected override wrong(): Partial<Record<string, string>> {
    return this.text("name").trim() ? {} : { name: this.m.app.required };
  }

  protected override nameOf(item: School): string {
    return item.name;
  }

  protected override headings(): string[] {
    return [this.m.admin.name, this.m.admin.kind];
  }

  protected override cells(item: School): (TemplateResult | string)[] {
    return [html`<strong>${item.name}</strong>`, this.m.admin.kindWords[item.kind]];
  }

  protected override valuesOfCells(item: School): Value[] {
    return [item.name, this.m.admin.kindWords[item.kind]];
  }

  protected override formFields(): TemplateResult {
    const { admin } = this.m;
    return html`${this.field("name", admin.name)}
    ${this.select("kind", admin.kind, [
      { value: "urban", words: admin.kindWords.urban },
      { value: "rural", words: admin.kindWords.rural },
    ])}`;
  }
}

define("tk-admin-schools", AdminSchools);
