// The people who sign in: administrators and teachers.

import { html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { get } from "../../api/client.ts";
import type { School, User } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import type { Values } from "../../components/form.ts";
import { Collection } from "./collection.ts";
import type { Value } from "./finding.ts";
import type { Todo } from "./table_tools.ts";

const SHORTEST_PASSWORD = 8;

export class AdminUsers extends Collection<User> {
  protected readonly kind = "users";

  @property({ attribute: false }) user: User | null = null;
  @state() private schools: readonly School[] = [];

  protected override async loadMore(): Promise<void> {
    this.schools = await get<School[]>("/api/schools");
  }

  protected override valuesOf(item: User | null): Values {
    return {
      display_name: item?.display_name ?? "",
      username: item?.username ?? "",
      role: item?.role ?? "teacher",
      school_id: item ? (item.school_id ?? "") : (this.schools[0]?.id ?? ""),
      password: "",
    };
  }

  protected override body(creating: boolean): Record<string, unknown> {
    const password = this.text("password");
    return {
      display_name: this.text("display_name").trim(),
      username: this.text("username").trim(),
      role: this.text("role"),
      school_id: this.text("school_id") || null,
      ...(creating || password ? { password } : {}),
    };
  }

  protected override wrong(): Partial<Record<string, string>> {
    const { app, account } = this.m;
    const password = this.text("password");
    const mayBeEmpty = this.editing !== "";
    return {
      ...(this.text("display_name").trim() ? {} : { display_name: app.required }),
      ...(this.text("username").trim().length >= 2 ? {} : { username: account.userTooShort }),
      ...(password.length >= SHORTEST_PASSWORD || (mayBeEmpty && password === "")
        ? {}
        : { password: account.tooShort }),
    };
  }

  protected override nameOf(item: User): string {
    return item.display_name;
  }

  protected override headings(): string[] {
    const { admin } = this.m;
    return [admin.displayName, admin.username, admin.role, admin.school];
  }

  protected override cells(item: User): (TemplateResult | string)[] {
    const { admin } = this.m;
    return [
      html`<strong>${item.display_name}</strong> ${item.id === this.user?.id
          ? html`<span class="badge">${admin.you}</span>`
          : nothing}`,
      item.username,
      admin.roleWords[item.role],
      this.schoolName(item),
    ];
  }

  protected override valuesOfCells(item: User): Value[] {
    const role = this.m.admin.roleWords[item.role];
    return [item.display_name, item.username, role, this.schoolName(item) || null];
  }

  protected override todos(): Todo<User>[] {
    return [
      {
        id: "without-school",
        waits: (item) => item.role === "teacher" && item.school_id === null,
      },
      { id: "not-come-yet", waits: (item) => !item.has_password },
    ];
  }

  private schoolName(item: User): string {
    return this.schools.find((school) => school.id === item.school_id)?.name ?? "";
  }

  protected override formFields(creating: boolean): TemplateResult {
    const { admin, account } = this.m;
    return html`${this.field("display_name", admin.displayName)}
    ${this.field("username", admin.username)}
    ${this.select("role", admin.role, [
      { value: "teacher", words: admin.roleWords.teacher },
      { value: "administrator", words: admin.roleWords.administrator },
    ])}
    ${this.select("school_id", admin.school, [
      { value: "", words: admin.noSchool },
      ...this.schools.map((school) => ({ value: school.id, words: school.name })),
    ])}
    ${this.field("password", creating ? account.newPassword : admin.password, {
      type: "password",
      autocomplete: "new-password",
      ...(creating ? {} : { hint: admin.passwordKeep }),
    })}`;
  }
}

define("tk-admin-users", AdminUsers);
