// @vitest-environment happy-dom
// Schools, classrooms, communities and people: what stands there when there is nothing or something
// is wrong, a form's refusals at their fields, and deletion that asks and can be undone.

import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Classroom, Community, School, User } from "../../src/api/types.ts";
import { zh } from "../catalogues.ts";
import {
  FakeServer,
  find,
  later,
  mounted,
  press,
  Refused,
  seen,
  settled,
  words,
  write,
} from "../page_on_its_own.ts";

const schools: School[] = [
  { id: "a", name: "Lead School", kind: "urban" },
  { id: "b", name: "Valley School", kind: "rural" },
];
const classroom = (id: string, more: Partial<Classroom> = {}): Classroom => ({
  id,
  school_id: "b",
  name: id,
  profile: "standard",
  last_seen: null,
  online: false,
  devices: 1,
  copied: false,
  ...more,
});
const community: Community = {
  id: "c",
  name: "North",
  lead_school_id: "a",
  partner_school_ids: ["b", "d"],
  max_partners: 2,
  retention: "keep",
  retention_days: null,
  quota_gb: null,
  quota: "free",
};
const chen: User = {
  id: "u1",
  username: "chen",
  display_name: "Mr Chen",
  role: "administrator",
  school_id: null,
  has_password: true,
};

let server: FakeServer;

const rows = (root: ShadowRoot): string[] =>
  [...root.querySelectorAll("tbody tr")].map((one) => words(one));
const alerts = (root: ShadowRoot): string[] =>
  [...root.querySelectorAll("[role=alert]")].map((one) => words(one));
const save = (root: ShadowRoot): Promise<void> => press(root, "[data-testid=save]");

beforeAll(async () => {
  const { startLanguage } = await import("../../src/i18n/index.ts");
  localStorage.setItem("tongke.language", "zh-CN");
  await startLanguage();
  await import("../../src/pages/admin/admin.ts");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  server = new FakeServer({
    "GET /api/schools": schools,
    "GET /api/classrooms": [],
    "GET /api/communities": [],
    "GET /api/users": [chen],
    "GET /api/profiles": [
      {
        name: "standard",
        title_zh: "标准教室",
        title_en: "Standard",
        description_zh: "近年的教室电脑",
        description_en: "A recent PC",
      },
    ],
  });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a section of the administration", () => {
  it.each([
    ["schools", "还没有学校。请先添加主讲的城市学校，再添加结对学校。", "添加学校"],
    ["classrooms", "还没有教室。每间有电脑和大屏的房间就是一间教室。", "添加教室"],
    ["communities", "还没有教学共同体。一所学校主讲，结对学校参加。", "添加共同体"],
    ["users", "还没有人员。", "添加人员"],
  ] as const)("says what to do while there are no %s", async (section, hint, add) => {
    server.answers[`GET /api/${section}`] = [];
    const root = await mounted("tk-admin", { section });
    expect(words(find(root, "nav [aria-current=page]"))).toBe(zh.admin.sections[section]);
    const page = find(root, `tk-admin-${section}`).shadowRoot ?? root;
    expect(words(find(page, "tk-state"))).toContain(hint);
    expect(words(find(page, "[data-testid=add]"))).toBe(add);
    await press(page, "[data-testid=add]");
    expect(seen(page, "tk-state")).toBeNull(); // the form is what there is to do now
    expect(seen(page, "form")).not.toBeNull();
  });

  it("says what the server says when it fails, and tries again", async () => {
    server.answers["GET /api/users"] = new Refused(403, "administrators-only", "只有管理员可以。");
    const root = await mounted("tk-admin-users");
    expect(words(root)).toContain("操作没有成功 只有管理员可以。 技术代码：administrators-only");
    server.answers["GET /api/users"] = [chen];
    await press(root, "tk-state tk-button");
    expect(rows(root)).toHaveLength(1);
  });
});

describe("the classrooms", () => {
  it("stand with school, profile and whether they are there, looked at again and again", async () => {
    server.answers["GET /api/classrooms"] = [
      classroom("One", { online: true }),
      classroom("Two", { last_seen: 1_800_000_000 - 300 }),
      classroom("Three"),
    ];
    const root = await mounted("tk-admin-classrooms");
    const state = (): string[] =>
      [...root.querySelectorAll("td:nth-child(3)")].map((one) => words(one));
    expect(state()).toEqual(["在线", "不在线 5分钟前在线", "不在线 从未上线"]);
    expect(rows(root)[0]).toContain("One Valley School 在线 标准教室");
    server.answers["GET /api/classrooms"] = [classroom("One"), classroom("Two", { online: true })];
    await later(5);
    expect(state()).toEqual(["不在线 从未上线", "在线"]);
    await press(root, "[data-id=Two] .edit");
    const asked = server.calls.length;
    await later(20);
    expect(server.calls).toHaveLength(asked); // nothing changes under the hands of who types
  });
});

describe("a long table", () => {
  const names = (root: ShadowRoot): string[] =>
    [...root.querySelectorAll("tbody td:first-child strong")].map((one) => words(one));
  const todos = (root: ShadowRoot): string[] =>
    [...root.querySelectorAll(".finder button")].map((one) => words(one));

  it("is searched, and says how many of all there are", async () => {
    server.answers["GET /api/classrooms"] = [
      classroom("3班A组"),
      classroom("二号教室", { school_id: "a" }),
    ];
    const root = await mounted("tk-admin-classrooms");
    await write(root, "[data-testid=search]", "ｌｅａｄ");
    expect(names(root)).toEqual(["二号教室"]);
    expect(words(find(root, ".finder [role=status]"))).toBe("1 / 2");
    await write(root, "[data-testid=search]", "nowhere");
    expect(words(find(root, ".nothing"))).toContain("没有符合的内容");
    await press(root, ".nothing button");
    expect(names(root)).toHaveLength(2);
    expect(root.activeElement).toBe(find(root, "[data-testid=search]"));
  });

  it("is sorted by its headings, up, down and not at all", async () => {
    server.answers["GET /api/classrooms"] = [
      classroom("10班", { last_seen: 1_799_999_000 }),
      classroom("2班"),
      classroom("3班", { online: true }),
    ];
    const root = await mounted("tk-admin-classrooms");
    const heading = (at: number): string => `th:nth-child(${at})`;
    await press(root, `${heading(1)} button`);
    expect(names(root)).toEqual(["2班", "3班", "10班"]);
    expect(find(root, heading(1)).getAttribute("aria-sort")).toBe("ascending");
    await press(root, `${heading(1)} button`);
    expect(names(root)).toEqual(["10班", "3班", "2班"]);
    expect(find(root, heading(1)).getAttribute("aria-sort")).toBe("descending");
    await press(root, `${heading(3)} button`); // there, seen lately, never seen
    expect(names(root)).toEqual(["3班", "10班", "2班"]);
    expect(find(root, heading(1)).getAttribute("aria-sort")).toBeNull();
  });

  it("has a thousand rows, drawn as far as they are asked for and searched all", async () => {
    server.answers["GET /api/classrooms"] = Array.from({ length: 1000 }, (_, n) => classroom(`r${n}`));
    const root = await mounted("tk-admin-classrooms");
    expect(names(root)).toHaveLength(200);
    await press(root, "[data-testid=more]");
    expect(names(root)).toHaveLength(400);
    await write(root, "[data-testid=search]", "r999");
    expect(names(root)).toEqual(["r999"]);
    expect(seen(root, "[data-testid=more]")).toBeNull();
  });

  it("names what is still to be done, and shows it; what is done is not named", async () => {
    server.answers["GET /api/classrooms"] = [
      classroom("One", { devices: 0 }),
      classroom("Two", { last_seen: 1_799_999_000 }),
    ];
    const root = await mounted("tk-admin-classrooms");
    expect(todos(root)).toEqual(["没有凭证 1", "从未上线 1"]);
    await press(root, ".finder button");
    expect(names(root)).toEqual(["One"]);
    await press(root, ".finder button");
    expect(names(root)).toHaveLength(2);
    const schools_ = await mounted("tk-admin-schools");
    expect(todos(schools_)).toEqual(["没有教室 1", "没有教师 2", "不在任何共同体 2"]);
    server.answers["GET /api/users"] = [chen, { ...chen, id: "u2", role: "teacher", has_password: false }];
    expect(todos(await mounted("tk-admin-users"))).toEqual(["没有学校的教师 1", "尚未设置密码 1"]);
  });

  it("shows what an address asks for", async () => {
    history.replaceState(null, "", "/admin/classrooms?show=without-credential");
    server.answers["GET /api/classrooms"] = [classroom("One", { devices: 0 }), classroom("Two")];
    const root = await mounted("tk-admin-classrooms");
    history.replaceState(null, "", "/");
    expect(names(root)).toEqual(["One"]);
    expect(find(root, ".finder button").getAttribute("aria-pressed")).toBe("true");
  });

  it("keeps in sight what is being changed", async () => {
    const root = await mounted("tk-admin-schools");
    await press(root, "[data-id=b] .edit");
    await write(root, "[data-testid=search]", "Lead");
    expect(seen(root, "form")).not.toBeNull();
  });
});

describe("a new classroom", () => {
  it("says for whom the chosen profile is", async () => {
    const root = await mounted("tk-admin-classrooms");
    await press(root, "[data-testid=add]");
    expect(words(find(root, "[data-testid=profile-meaning]"))).toBe("近年的教室电脑");
  });
});

describe("the communities", () => {
  it("lead to the schools while there is no second one to choose", async () => {
    server.answers["GET /api/schools"] = schools.slice(0, 1);
    const root = await mounted("tk-admin-communities");
    await press(root, "[data-testid=add]");
    const needs = find(root, "[data-testid=needs-schools]");
    expect(words(needs)).toContain("至少要有两所学校");
    expect(find(needs, "a").getAttribute("href")).toBe("/admin/schools");
  });

  it("stand with who leads and who takes part", async () => {
    server.answers["GET /api/schools"] = [...schools, { id: "d", name: "Hill School", kind: "rural" }];
    server.answers["GET /api/communities"] = [community];
    const root = await mounted("tk-admin-communities");
    expect(words(find(root, ".map strong"))).toBe("Lead School");
    expect(words(find(root, ".map ul"))).toBe("Valley School Hill School");
  });

  it("have at most so many partners, and one at least", async () => {
    const more = ["d", "e"].map((id) => ({ id, name: id, kind: "rural" }));
    server.answers["GET /api/schools"] = [...schools, ...more];
    server.answers["GET /api/communities"] = [community];
    const root = await mounted("tk-admin-communities");
    await press(root, "[data-testid=add]");
    await write(root, "[name=name]", "South");
    await save(root);
    expect(alerts(root)).toEqual(["请至少选择一所结对学校"]);
    for (const id of ["b", "d", "e"]) await press(root, `[data-testid=check-${id}]`);
    expect(alerts(root)).toEqual(["最多 2 所"]);
    await save(root);
    expect(server.bodies).toEqual([]);
    await press(root, "[data-testid=check-e]");
    server.answers["POST /api/communities"] = community;
    await save(root);
    expect(server.bodies).toEqual([
      {
        name: "South",
        lead_school_id: "a",
        partner_school_ids: ["b", "d"],
        retention: "keep",
        retention_days: null,
        quota_gb: null,
      },
    ]);
  });

  it("have a rule with its days, and a quota", async () => {
    server.answers["GET /api/communities"] = [community];
    const root = await mounted("tk-admin-communities");
    await press(root, ".edit");
    expect(seen(root, "[data-testid=field-retention_days]")).toBeNull();
    const rule = find(root, "[data-testid=field-retention]") as HTMLSelectElement;
    rule.value = "delete";
    rule.dispatchEvent(new Event("change"));
    await settled();
    await write(root, "[data-testid=field-quota_gb]", "-2");
    await save(root);
    expect(words(root)).toContain(zh.keeping.daysWrong);
    expect(words(root)).toContain(zh.keeping.quotaWrong);
    await write(root, "[data-testid=field-retention_days]", "90");
    await write(root, "[data-testid=field-quota_gb]", "2.5");
    server.answers["PATCH /api/communities/c"] = community;
    await save(root);
    expect(server.bodies.at(-1)).toMatchObject({
      retention: "delete",
      retention_days: 90,
      quota_gb: 2.5,
    });
  });
});

describe("the form of a person", () => {
  it("says at each field what is wrong, before anything is sent, and goes there", async () => {
    const root = await mounted("tk-admin-users", { user: chen });
    await press(root, "[data-testid=add]");
    await write(root, "[name=username]", "x");
    expect(alerts(root)).toEqual(["至少 2 个字符"]); // as one types
    await save(root);
    expect(words(seen(root, "#wrong-display_name"))).toBe("请填写此项");
    expect(words(seen(root, "#wrong-password"))).toBe("至少 8 个字符");
    await write(root, "[name=display_name]", "Ms Li");
    await save(root);
    expect((root.activeElement as HTMLInputElement).name).toBe("username");
    const field = find(root, "[name=password]");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(field.getAttribute("aria-describedby")).toBe("wrong-password");
    expect(server.bodies).toEqual([]);
  });

  it("says at its field what the server refuses, keeps what was typed, and saves then", async () => {
    const root = await mounted("tk-admin-users", { user: chen });
    await press(root, "[data-testid=add]");
    await write(root, "[name=display_name]", " Ms Li ");
    await write(root, "[name=username]", "chen");
    await write(root, "[name=password]", "long enough");
    const taken = { username: { zh: "这个用户名已有人使用", en: "taken" } };
    server.answers["POST /api/users"] = new Refused(422, "invalid", "请检查。", taken);
    await save(root);
    expect(alerts(root)).toEqual(["这个用户名已有人使用"]);
    expect(words(seen(root, "#wrong-username"))).toBe("这个用户名已有人使用");
    expect((find(root, "[name=display_name]") as HTMLInputElement).value).toBe(" Ms Li ");
    await write(root, "[name=username]", "li");
    expect(alerts(root)).toEqual([]);
    const li = { ...chen, id: "u2", username: "li", display_name: "Ms Li" };
    server.answers["POST /api/users"] = li;
    server.answers["GET /api/users"] = [chen, li];
    await save(root);
    expect(server.bodies.at(-1)).toEqual({
      display_name: "Ms Li",
      username: "li",
      role: "teacher",
      school_id: "a",
      password: "long enough",
    });
    expect(seen(root, "form")).toBeNull();
    expect(rows(root)).toHaveLength(2);
    expect(rows(root)[0]).toContain("Mr Chen 本人 chen 管理员");
  });

  it("changes no password that is left empty, and says below what belongs to no field", async () => {
    const root = await mounted("tk-admin-users", { user: chen });
    await press(root, "[data-id=u1] .edit");
    await write(root, "[name=display_name]", "Mr Chen Jr");
    const last = new Refused(409, "last-administrator", "至少要有一位管理员。");
    server.answers["PATCH /api/users/u1"] = last;
    await save(root);
    expect(server.bodies).toEqual([
      { display_name: "Mr Chen Jr", username: "chen", role: "administrator", school_id: null },
    ]);
    expect(alerts(root)).toEqual(["至少要有一位管理员。"]);
    find(root, "form").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    await settled();
    expect(rows(root)).toHaveLength(1);
    expect(root.activeElement).toBe(find(root, "[data-id=u1] .edit"));
  });
});

describe("what is deleted", () => {
  it("is asked for first, and comes back by Undo", async () => {
    const root = await mounted("tk-admin-schools");
    server.answers["DELETE /api/schools/b"] = null;
    await press(root, "[data-id=b] .delete");
    expect(words(find(root, "[data-id=b] [role=group]"))).toBe("确定删除Valley School？ 确定删除 取消");
    expect(words(root.activeElement)).toBe("取消");
    expect(server.calls).not.toContain("DELETE /api/schools/b");
    server.answers["GET /api/schools"] = [schools[0]];
    await press(root, "[data-id=b] .alarm");
    expect(server.calls).toContain("DELETE /api/schools/b");
    expect(rows(root)).toHaveLength(1);
    expect(words(find(root, ".undo"))).toBe("已删除Valley School。 撤销");
    server.answers["POST /api/deleted/schools/b/restore"] = { kind: "schools", id: "b" };
    server.answers["GET /api/schools"] = schools;
    await press(root, ".undo button");
    expect(rows(root)).toHaveLength(2);
    expect(words(find(root, ".undo"))).toBe("已恢复Valley School。");
    await later(20);
    expect(seen(root, ".undo")).toBeNull();
  });

  it("stays when the server refuses, which is said", async () => {
    const root = await mounted("tk-admin-schools");
    const used = new Refused(409, "school-in-use", "这所学校还有教室。");
    server.answers["DELETE /api/schools/b"] = used;
    await press(root, "[data-id=b] .delete");
    await press(root, "[data-id=b] .alarm");
    expect(alerts(root)).toEqual(["这所学校还有教室。"]);
    expect(rows(root)).toHaveLength(2);
    expect(seen(root, ".undo")).toBeNull();
  });
});

describe("recently deleted", () => {
  const gone = [
    { id: "r1", kind: "recordings", name: "Fractions", deleted_at: 1_799_999_000 },
    { id: "k1", kind: "classrooms", name: "One", deleted_at: 1_799_998_000 },
  ];

  it("says when there is nothing", async () => {
    server.answers["GET /api/deleted"] = [];
    const root = await mounted("tk-admin-deleted");
    expect(words(find(root, "tk-state"))).toBe("最近 30 天没有删除任何内容。");
  });

  it("stands what it was, and comes back, or says why it does not", async () => {
    server.answers["GET /api/deleted"] = gone;
    const root = await mounted("tk-admin-deleted");
    expect(rows(root)[0]).toContain("Fractions 录像");
    expect(rows(root)[1]).toContain("One 教室");
    const restore = "POST /api/deleted/classrooms/k1/restore";
    server.answers[restore] = new Refused(409, "school-deleted", "请先恢复学校。");
    await press(root, "tr:nth-child(2) button");
    expect(words(find(root, "[role=status]"))).toBe("请先恢复学校。");
    server.answers[restore] = { kind: "classrooms", id: "k1" };
    server.answers["GET /api/deleted"] = gone.slice(0, 1);
    await press(root, "tr:nth-child(2) button");
    expect(words(find(root, "[role=status]"))).toBe("已恢复One。");
    expect(rows(root)).toHaveLength(1);
  });
});
