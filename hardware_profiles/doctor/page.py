"""The report on paper: HTML in both languages, one sheet of A4 for a usual room.

Pure. Every word of it is escaped; nothing is fetched, and no script runs.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime

from hardware_profiles.doctor.findings import Both, Checked, CheckReport, Grade

_SIGNS = {
    Grade.GOOD: ("✓", Both(zh="正常", en="good")),
    Grade.WEAK: ("!", Both(zh="注意", en="care")),
    Grade.BAD: ("✗", Both(zh="问题", en="fault")),
    Grade.UNTRIED: ("–", Both(zh="未检查", en="not tried")),
}
_TITLES = {
    "room": Both(zh="教室设备检查", en="Check of a room's equipment"),
    "server": Both(zh="服务器检查", en="Check of the server"),
}
# On a phone a finding is a line with its words below, and no longer laid out as a table: so `page`
# names the parts of the table (roles) that a reader aloud would else not find.
STYLE = """
@page{size:A4;margin:14mm}
body{font:15px/1.45 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;
color:#16201d;margin:24px auto;max-width:820px;padding:0 16px}
h1{font-size:24px;margin:0}h1 small,p small,td small,th small{display:block;color:#4d5a56;
font-weight:400;font-size:.86em}
.whole{font-size:20px;padding:10px 14px;border-radius:8px;border:2px solid;margin:14px 0}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;
padding:6px 10px 6px 0;border-bottom:1px solid #d5dcda}tr{break-inside:avoid}
th:first-child,td:first-child{width:5.2em;white-space:nowrap}td:nth-child(2){width:11em}
.sign{display:inline-block;width:1.5em;height:1.5em;line-height:1.5em;text-align:center;
border-radius:50%;border:1.5px solid;font-weight:700}
.good{color:#0b6b4f}.weak{color:#8a5300}.bad{color:#a30000}.untried{color:#4d5a56}
.todo{font-weight:600;margin:4px 0}
.about{width:auto}.about td:nth-child(n){width:auto;border:0;padding:1px 14px 1px 0}
.figures{color:#4d5a56;font:12px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.screen{margin-bottom:20px}a{color:#0b6b4f}
button{font:inherit;font-size:18px;padding:10px 22px;border-radius:8px;border:0;
background:#0b6b4f;color:#fff;cursor:pointer}progress{width:100%;accent-color:#0b6b4f}
@media screen and (max-width:600px){.findings{border-top:1px solid #d5dcda;margin-top:12px}
.findings,.findings tbody{display:block}
.findings tr{display:grid;grid-template-columns:5.2em minmax(0,1fr);column-gap:10px;
border-bottom:1px solid #d5dcda;padding:6px 0}.findings td{border:0;padding:0}
.findings td:nth-child(n){width:auto}.findings td:nth-child(3){grid-column:1/-1;padding-top:6px}
.findings tr:first-child{display:none}}
@media print{body{margin:0;max-width:none;padding:0;font-size:12px}.screen{display:none}}
"""


def page(report: CheckReport, *, where: str = "", back: str = "") -> str:
    """The whole document. `where` is whom the report is of, as the server knows the room; `back` an
    address of this page's own server to go back to."""
    title = _TITLES[report.side]
    rows = "".join(_row(finding) for finding in report.findings)
    home = f'<p class="screen"><a href="{html.escape(back)}">← 返回 · Back</a></p>' if back else ""
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        f"<title>{html.escape(title.zh)} · {html.escape(where or report.place)}</title>"
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style>{home}"
        f"<h1>{_both(title)}</h1>"
        f'<p class="whole {report.verdict.value}">{_both(report.words)}</p>'
        f"{_about(report, where)}"
        '<table class="findings" role="table"><tr role="row">'
        '<th role="columnheader">结果<small lang=en>result</small>'
        '<th role="columnheader">项目<small lang=en>what</small>'
        '<th role="columnheader">说明<small lang=en>words</small></tr>'
        f"{rows}</table></html>"
    )


def _about(report: CheckReport, where: str) -> str:
    at = datetime.fromtimestamp(report.made_at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    told = [
        (Both(zh="地点", en="place"), where or report.place),
        (Both(zh="时间", en="time"), f"{at} ({report.took_s:.0f} s)"),
        (Both(zh="电脑", en="machine"), report.machine),
        (Both(zh="硬件配置", en="profile"), report.profile),
    ]
    rows = "".join(
        f"<tr><td>{html.escape(name.zh)} · <span lang=en>{html.escape(name.en)}</span>"
        f"<td>{html.escape(value)}</tr>"
        for name, value in told
        if value
    )
    return f'<table class="about">{rows}</table>'


def _row(finding: Checked) -> str:
    sign, word = _SIGNS[finding.verdict]
    todo = f'<p class="todo">→ {_both(finding.todo)}</p>' if finding.todo is not None else ""
    figures = " ".join(f"{name}={_figure(value)}" for name, value in finding.figures.items())
    small = f'<div class="figures">{html.escape(figures)}</div>' if figures else ""
    return (
        f'<tr role="row"><td role="cell" class="{finding.verdict.value}">'
        f'<span class="sign" aria-hidden="true">{sign}</span>'
        f" {html.escape(word.zh)}<small lang=en>{html.escape(word.en)}</small>"
        f'<td role="cell">{_both(finding.name)}'
        f'<td role="cell">{_both(finding.words)}{todo}{small}</tr>'
    )


def _figure(value: object) -> str:
    """As people write it: no powers of ten, no more than six digits that mean something."""
    if isinstance(value, float) and abs(value) < 1e5:
        return f"{value:g}"
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def _both(said: Both) -> str:
    return f"{html.escape(said.zh)}<small lang=en>{html.escape(said.en)}</small>"
