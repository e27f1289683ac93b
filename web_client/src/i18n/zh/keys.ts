// 快捷键的中文词句。

import type { Messages } from "../en/index.ts";

export const keys: Pick<Messages, "keys"> = {
  keys: {
    title: "快捷键",
    spaceBar: "空格",
    microphone: "打开或关闭麦克风",
    camera: "打开或关闭摄像头",
    screen: "开始或停止共享屏幕",
    chat: "打开或关闭聊天",
    devices: "打开或关闭设备",
    mark: "标记章节",
    leaveField: "离开输入框，或取消提问",
    hand: "举手、放下手，或说完交还发言权",
    escape: "取消，或关闭",
    next: "到下一项（加 Shift 到上一项）",
    press: "按下选中的一项",
    help: "显示或关闭本列表",
  },
};
