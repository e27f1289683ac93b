// What the Chinese words keep to: the signs of Chinese sentences, one word for one thing. Every text
// is read as people read it, with something put in where a name or a number comes.

import { describe, expect, it } from "vitest";
import exported from "../../recorder/exchange/page/words.js?raw";
import { en, zh } from "./catalogues.ts";

/** Something put in: a word in a sentence, and a list where one is joined. */
const SOMETHING = ["某"];

/** Every text by the way to it, `office.today.open` as `today.open`. */
function texts(catalogue: object, path = ""): [string, string][] {
  return Object.entries(catalogue).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    if (typeof value === "string") return [[path + key, value]];
    if (typeof value === "function") {
      const said = (value as (...some: string[][]) => string)(...Array<string[]>(8).fill(SOMETHING));
      return [[path + key, said]];
    }
    return texts(value as object, `${path}${key}.`);
  });
}

const HALF_WIDTH = /\p{Script=Han}["'(),:;!?]|["'(),:;!?]\p{Script=Han}|\p{Script=Han}\.(?!\w)|\.\.\./u;
const BLANK = /\s[，。：；！？、）”]|[，。：；！？、（“]\s|\p{Script=Han}\s\p{Script=Han}/u;

/** A word that is not said, and the one that is. */
const INSTEAD: Record<string, string> = {
  席位: "参加方、教室",
  信号源: "画面或声音",
  全员可见: "放大给全班",
  离线: "不在线",
  已就绪: "在线",
  资源库: "课程库",
  录像库: "课程库",
  观察员: "旁听",
  帐号: "账号",
  登陆: "登录",
  自动加入: "自动进入",
  结束后: "下课后",
};
/** A recording is 录像, to record is 录制 (`tests/unit/test_chinese.py` has more of it). */
const THING_AND_ACT = /[个些份]录制|(?:导出|删除|恢复)录制|录制(?:文件夹|保留)|(?:正在|未|不|停止|暂停)录像|录像已?暂停/;
const NOT_IN_ENGLISH = /\bOffline\b|\bOn every screen\b|\bPut down (?:the )?hand\b|\bGood link\b|\bArchive\b/;

/** The words of an export's page, which is a classic script: Chinese stands before English. */
function pageWords(language: "zh" | "en"): Record<string, string> {
  const [chinese = "", english = ""] = exported.split("\n  en: {");
  const lines = (language === "zh" ? chinese : english).matchAll(/^ {4}(\w+): "(.*)",$/gm);
  return Object.fromEntries([...lines].map(([, key = "", words = ""]) => [key, words]));
}

describe("the signs of Chinese sentences", () => {
  it.each([
    ["请稍候,再试", true],
    ["教室(一)", true],
    ["教室：一", false],
    ["设置 public_url 中写明", false],
    ["正在加载...", true],
    ["说“好”", false],
    ['说"好"', true],
  ])("%s is half-width: %s", (text, wrong) => {
    expect(HALF_WIDTH.test(text)).toBe(wrong);
  });

  it("are those of Chinese, with no blank beside them", () => {
    const all = texts(zh);
    expect(all.length).toBeGreaterThan(450);
    expect(all.filter(([, text]) => HALF_WIDTH.test(text))).toEqual([]);
    expect(all.filter(([, text]) => BLANK.test(text.replaceAll("某", "X")))).toEqual([]);
  });
});

describe("one thing", () => {
  it("has one word in Chinese", () => {
    const found = texts(zh).filter(([, text]) => Object.keys(INSTEAD).some((one) => text.includes(one)));
    expect(found).toEqual([]);
    expect(texts(zh).filter(([, text]) => THING_AND_ACT.test(text))).toEqual([]);
  });

  it.each([
    ["zh", zh],
    ["en", en],
  ] as const)("is called in an export's page as in the player: %s", (language, { player, lesson }) => {
    const page = pageWords(language);
    const chapters = Object.entries(player.chapterKinds).map(([kind, words]) => [
      kind,
      typeof words === "string" ? words : words("{name}"),
    ]);
    const there = Object.keys(player.chapterKinds).map((kind) => [
      kind,
      page[kind === "screen" ? "screen_chapter" : kind],
    ]);
    expect(there).toEqual(chapters);
    for (const key of ["play", "pause", "seek", "speed", "chapters", "chat"] as const) {
      expect(page[key]).toBe(player[key]);
    }
    expect(page.pause_chapter).toBe(lesson.notRecording);
  });

  it("has one name in English", () => {
    expect(texts(en).filter(([, text]) => NOT_IN_ENGLISH.test(text))).toEqual([]);
    expect(en.teach.lowerHand).toBe(en.room.lowerHand);
    expect(en.player.chapterKinds.spotlight("One")).toContain(en.teach.spotlight);
  });

  it("is the library, wherever it is gone to", () => {
    expect([zh.app.library, zh.library.title]).toEqual(["课程库", "课程库"]);
    expect(zh.lesson.toLibrary).toContain(zh.app.library);
    expect(zh.lesson.recordingSoon).toContain(zh.app.library);
    expect(en.library.title).toBe(en.app.library);
  });
});
