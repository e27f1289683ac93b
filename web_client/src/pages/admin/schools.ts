// The schools of the region.

import { html, type TemplateResult } from "lit";
import type { School } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import type { Values } from "../../components/form.ts";
import { Collection } from "./collection.ts";

export class AdminSchools extends Collection<School> {
  protected readonly kind = "schools";

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
