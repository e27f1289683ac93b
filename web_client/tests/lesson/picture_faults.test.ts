import { describe, expect, it } from "vitest";
import { en } from "../../src/i18n/en/index.ts";
import { zh } from "../../src/i18n/zh/index.ts";
import { pictureFaultInWords } from "../../src/lesson/picture_faults.ts";
import type { PictureFault } from "../../src/protocol/messages.ts";
import { seat, source, viewOf } from "./views.ts";

const withFaults = (...faults: PictureFault[]): ReturnType<typeof viewOf> =>
  viewOf("lead", {
    seats: [seat("lead"), seat("r1", { sources: [source("r1", "board", { faults })] }), seat("r2")],
  });

describe("a picture that browsers cannot show as it is coded", () => {
  it("says whose it is, what is wrong and what to do", () => {
    expect(pictureFaultInWords(withFaults("b-frames"), en)).toMatch(/^Room r1: Board .*B-frames.*off/);
    expect(pictureFaultInWords(withFaults("b-frames"), zh)).toMatch(/^Room r1：板书.*关闭 B 帧/);
    expect(pictureFaultInWords(withFaults("interlaced"), en)).toMatch(/progressive/);
    expect(pictureFaultInWords(withFaults("interlaced"), zh)).toMatch(/逐行/);
  });

  it("says the worse of two", () => {
    expect(pictureFaultInWords(withFaults("b-frames", "interlaced"), en)).toMatch(/B-frames/);
  });

  it("says nothing while all is well", () => {
    expect(pictureFaultInWords(withFaults(), en)).toBe("");
  });
});
