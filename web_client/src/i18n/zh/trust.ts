// Chinese words about the server's certificate: how a PC comes to trust it, and how it stands.

import type { Messages } from "../en/index.ts";

export const trust: Pick<Messages, "trust" | "certificate"> = {
  trust: {
    title: "让这台电脑信任服务器",
    lead: "浏览器不认识服务器证书的签发者时会不断警告。每台电脑只需安装一次签发者的证书，之后证书续期或地址变化都不会再有警告。",
    given: "无需操作：本服务器使用外部签发的证书。",
    authority: "证书颁发者（CA）",
    fingerprint: "SHA-256 指纹",
    compare:
      "如果打开本页时浏览器有警告，请将这一行与服务器启动时显示的指纹，或管理员在“管理 › 证书”中看到的指纹核对。",
    windows: "Windows：Edge、Chrome",
    linux: "Linux：Chromium、Chrome、Edge",
    byHand: "手动安装，以及 Firefox",
    download: (name: string) => `下载 ${name}`,
    windowsSteps: [
      "下载文件。如果浏览器提示“通常不会下载”，请选择“保留”。",
      "打开文件。如果出现“Windows 已保护你的电脑”，请点“更多信息”，再点“仍要运行”；然后同意管理员许可。",
      "它会安装证书，并允许课堂网页直接使用摄像头、麦克风和声音。",
      "关闭浏览器，再重新打开。",
    ],
    linuxSteps: [
      "下载文件，在它所在的文件夹中以使用浏览器的用户运行。用 sudo 运行时，还会允许课堂网页直接使用摄像头、麦克风和声音，无人值守的教室需要这样做。",
      "关闭浏览器，再重新打开。",
    ],
    byHandSteps: [
      "下载证书。",
      "Windows：以管理员身份在 PowerShell 中运行（如果证书在别的文件夹，请改为那里）：",
      "Linux，在证书所在的文件夹中（需要软件包 libnss3-tools 或 nss-tools）：",
      "Firefox：设置 › 隐私与安全 › 证书 › 查看证书 › 证书颁发机构 › 导入，并勾选“标识网站”。在 Windows 上它会采用系统信任的证书。",
    ],
    run: "运行：",
    copy: "复制",
    copied: "已复制",
    toSteps: "教室电脑须先信任服务器：",
    toStepsLink: "安装证书",
  },
  certificate: {
    title: "证书",
    none: "HTTPS 由代理服务器提供，证书在那里管理。",
    good: "证书一切正常。",
    served: "当前证书",
    names: "适用于",
    issuer: "签发者",
    until: "有效期至",
    renewsItself: (day: string) => `${day}，到期前自动续期`,
    fingerprint: "SHA-256 指纹",
    reloads: "启动以来更换次数",
    known: (issuer: string) => `浏览器本来就信任 ${issuer}：用这个域名打开的电脑无需任何操作。`,
    others: "其他情况",
    othersLead: "用 IP 地址或其他名称打开时，仍使用本服务器自己的 CA 签发的证书。",
    acme: "自动申请的外部证书（ACME）",
    acmeFor: "域名",
    acmeBy: "证书机构",
    acmeNext: "下次申请",
    acmeSaid: "机构原话",
    acmeFailedAt: (when: string) => `上次尝试：${when}。`,
    acmeStanding: {
      waiting: "马上就会申请。在拿到之前，使用本服务器自己的证书。",
      ordering: "正在申请。",
      "in-force": "已生效，到期前自动续期，不影响上课。",
      failing:
        "上次申请没有成功，服务器会自动重试。改好之后，运行“systemctl reload tongke”可立即重试。",
    },
    notNamed: (asked: string) =>
      `证书不适用于您打开本页所用的名称 ${asked}，浏览器会在那里警告。请在设置 public_url 或 tls_names 中写明。`,
  },
};
