// Chinese words that only the library and the player need.

import type { recordings as english } from "../en/recordings.ts";

export const recordings: typeof english = {
  files: {
    makeWhole: "下载整节课",
    wholeHint:
      "一个 MKV 文件：打开时看到主讲教师、听到全部声音，每路画面和每间教室的声音也各在其中。请用 VLC 打开，在“视频”“音频”菜单中选择轨道。",
    saveWhole: (size) => `保存整节课（${size}）`,
    makeFilm: "下载为一部影片",
    filmHint:
      "一个 MP4 文件，一个画面、一路声音，与课堂上看到、听到的一样，各处都能播放。生成大约需要课时长度的四分之一到一半。",
    saveFilm: (size) => `保存影片（${size}）`,
    makeExport: "下载播放包（无需网络）",
    exportHint:
      "一个 ZIP 文件，含全部画面、章节和播放器：解压后打开 index.html 即可播放，没有网络的电脑也可以。管理员可将其导入另一台同课服务器。",
    saveExport: (size) => `保存 ZIP 文件（${size}）`,
  },
  quality: {
    name: "画面",
    auto: "自动",
    sharp: "清晰",
    small: "小画面",
    hint: "小画面只需十分之一的带宽。自动：网络不够时改用小画面。",
  },
};
