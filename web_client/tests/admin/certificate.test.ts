// @vitest-environment happy-dom
// What the server's own order of a certificate came to stands on the page, with what to do about it.

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { Acme, Certificate } from "../../src/api/types.ts";
import { FakeServer, find, mounted, seen, words } from "../page_on_its_own.ts";

const WHY = { message_zh: "域名没有指向任何地址。请添加记录。", message_en: "The name leads nowhere. Add it." };
const acme = (more: Partial<Acme> = {}): Acme => ({
  detail: "DNS problem: NXDOMAIN",
  directory: "https://acme.example/directory",
  failed_at: 1_800_000_000,
  name: "tongke.example",
  next_at: 1_800_003_600,
  standing: "failing",
  ...WHY,
  ...more,
});
const certificate = (one: Acme): Certificate => ({
  acme: one,
  authority: null,
  begins_at: 1_800_000_000,
  ends_at: 1_831_000_000,
  findings: [],
  fingerprint: "AA",
  issuer: "Tongke CA",
  names: ["localhost"],
  others: null,
  reloads: 0,
  self_made: true,
  subject: "localhost",
  trusted_since: null,
});

async function page(one: Acme): Promise<ShadowRoot> {
  new FakeServer({
    "GET /api/admin/certificate": certificate(one),
    "GET /api/classrooms": [],
    "GET /api/schools": [],
  });
  return mounted("tk-admin-certificate");
}

beforeAll(async () => {
  localStorage.setItem("tongke.language", "zh-CN");
  await (await import("../../src/i18n/index.ts")).startLanguage();
  await import("../../src/pages/admin/certificate.ts");
});

beforeEach(() => vi.useFakeTimers({ now: 1_800_000_000_000 }));

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("says why the last order gave none, and what to do", async () => {
  const root = await page(acme());
  expect(words(find(root, "[data-testid=acme-why]"))).toBe(WHY.message_zh);
  expect(words(root)).toContain("DNS problem: NXDOMAIN");
});

it("says nothing of the kind where all is well", async () => {
  const root = await page(acme({ standing: "in-force", failed_at: null, message_zh: "", message_en: "" }));
  expect(seen(root, "[data-testid=acme-in-force]")).not.toBeNull();
  expect(seen(root, "[data-testid=acme-why]")).toBeNull();
});
