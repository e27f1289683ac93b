// Chinese words about a room's PC: how it comes to its classroom, and how its devices are.

import type { Messages } from "../en/index.ts";

export const rooms: Pick<Messages, "pairing" | "readiness" | "speakerTest" | "roomFile" | "pcSteps"> = {
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
    how: (address) => `在教室电脑上打开 ${address}，把它显示的八位数字输入这里。`,
    orAddress: "也可以新建一个凭证，在教室电脑上打开一次它的地址。",
  },
  readiness: {
    camera: "摄像头：",
    sound: "麦克风：",
    line: "网络：",
    cameraIs: {
      ready: "正常",
      checking: "检查中…",
      unanswered: "浏览器在等待许可",
      black: "画面全黑",
      frozen: "画面不动",
      silent: "没有画面",
      busy: "被其他程序占用",
      lost: "已拔出",
      denied: "未获许可",
      missing: "没有找到",
      off: "未使用",
    },
    soundIs: {
      ready: "正常",
      checking: "检查中…",
      unanswered: "浏览器在等待许可",
      black: "没有声音",
      frozen: "没有声音",
      silent: "没有任何声音",
      busy: "被其他程序占用",
      lost: "已拔出",
      denied: "未获许可",
      missing: "没有找到",
      off: "未使用",
    },
    lineIs: {
      ready: "良好",
      checking: "检查中…",
      slow: "较慢",
      detour: "可以上课，画面可能稍慢（请管理员开放 UDP）",
      blocked: "课堂连接不通",
    },
  },
  speakerTest: {
    test: "测试扬声器",
    playing: "正在播放三声提示音…",
    played: "没有听到？请换一个扬声器，或调高音量。",
    failed: "这个扬声器无法播放，请换一个。",
  },
  roomFile: {
    lead: "也可以用一个文件设置教室电脑：它会安装证书，允许网页使用摄像头、麦克风和声音，并在开机后全屏进入这间教室。每个文件供一台电脑使用；拿到文件的人就能代表这间教室。",
    download: { windows: "Windows 设置文件", linux: "Linux 设置文件" },
    label: { windows: "Windows 电脑（设置文件）", linux: "Linux 电脑（设置文件）" },
    steps: {
      windows: [
        "把文件带到教室电脑（例如用 U 盘），在那里打开。",
        "如果出现“Windows 已保护你的电脑”，请点“更多信息”，再点“仍要运行”；然后同意管理员许可。",
        "重新启动电脑，然后从 U 盘和电脑中删除该文件。",
      ],
      linux: [
        "把文件带到教室电脑，以使用浏览器的用户用 sudo sh 运行。",
        "重新登录电脑，然后从 U 盘和电脑中删除该文件。",
      ],
    },
  },
  pcSteps: {
    title: "要开机后自动上课、无需触碰，这台电脑还缺：",
    trusted: {
      lacks: "服务器的证书未被信任。",
      mend: (origin) => `请安装证书：${origin}/trust`,
    },
    devices: {
      lacks: "每次都要询问能否使用摄像头和麦克风。",
      mend: (origin) => `请选择“允许”，或打开 ${origin}/trust，运行那里的文件。`,
    },
    whole: {
      lacks: "网页没有占满屏幕。",
      mend: () => "请按 F11，或按教室设置文件的方式启动浏览器。",
    },
    sound: {
      lacks: "要触碰后才有声音。",
      mend: (origin) => `每次启动后请按任意键，或打开 ${origin}/trust，运行那里的文件。`,
    },
  },
};
