// Chinese words about a room's PC: how it comes to its classroom.

import type { Messages } from "../en/index.ts";

export const rooms: Pick<Messages, "pairing"> = {
  pairing: {
    title: "配对教室屏幕",
    tell: "请把这八位数字告诉管理员，例如打电话。",
    then: "管理员输入后，本教室会自动进入，这里无需再做任何操作。",
    scan: "管理员在现场？请用手机扫码。",
    which: "显示这组数字的是哪间教室？",
    onlyAdministrators: "只有管理员可以指定屏幕所在的教室。请把这八位数字告诉管理员。",
    code: "教室屏幕上的八位数字",
    eightFigures: "请输入屏幕上的八位数字。",
    classroom: "教室",
    usualLabel: "教室电脑",
    pair: "配对",
    done: "已配对，该屏幕几秒内就会进入这间教室。",
    how: (address) => `也可以不带地址过去：在教室电脑上打开 ${address}，把它显示的八位数字输入这里。`,
  },
};
