// What a PC lacks to be a room that nobody touches, by what its browser tells.

import { describe, expect, it } from "vitest";
import { fillsScreen, missingOf } from "../../src/lesson/pc_check.ts";

const all = { trusted: true, devices: true, whole: true, sound: true };
const screen = { width: 1920, height: 1080 } as Screen;

describe("what a PC lacks", () => {
  it.each([
    [{}, []],
    [{ sound: false, trusted: false }, ["trusted", "sound"]],
    [{ trusted: null, devices: null, sound: null }, []], // a browser that cannot tell
    [{ devices: false, whole: false }, ["devices", "whole"]],
  ])("%j: %j", (facts, missing) => {
    expect(missingOf({ ...all, ...facts })).toEqual(missing);
  });

  it.each([
    [1920, 1080, true],
    [1918, 1077, true],
    [1920, 950, false],
    [1280, 1080, false],
  ])("a window of %i × %i fills the screen: %s", (innerWidth, innerHeight, fills) => {
    expect(fillsScreen({ innerWidth, innerHeight, screen })).toBe(fills);
  });
});
