// 设备检查报告（`tongke doctor`）的中文。

import type { Messages } from "../en/index.ts";

export const checks: Pick<Messages, "checks"> = {
  checks: {
    title: (room) => `${room}的设备检查`,
    none: "还没有检查过。请在教室的电脑上打开 http://127.0.0.1:7889/check，或运行 tongke doctor。",
    faults: (count) => `${count} 项需要注意`,
    grades: { good: "一切正常", untried: "未检查", weak: "需要注意", bad: "有问题" },
    open: "可打印的报告",
    openOf: (time) => `${time} 的可打印报告`,
    server: "检查这台服务器",
    serverHint: "需要几秒钟：可承担的课、端口、证书、磁盘、数据库",
    room: "检查本教室的设备",
    roomHint: "适用于运行教室程序的电脑",
  },
};
