// 排课的中文词句：修改、取消、每周重复，以及与别的课冲突。

import type { Messages } from "../en/index.ts";

export const planning: Pick<Messages, "planning"> = {
  planning: {
    change: "修改课程",
    changeOf: (lesson) => `修改“${lesson}”`,
    cancelOf: (lesson) => `取消“${lesson}”`,
    cancelled: (lesson) => `已取消“${lesson}”。`,
    restored: (lesson) => `“${lesson}”已恢复。`,
    far: "显示一周以后的课",
    nothingPlanned: "没有安排。",
    weekly: "每周同一时间重复",
    weeks: "共几周",
    weeksBetween: (least, most) => `请填 ${least} 到 ${most}`,
    until: "到哪一天",
    dates: "上课日期",
    datesHint: "放假的日子请取消勾选",
    noDay: "请至少选择一天",
    series: (count, first, last) => `已排入课表：${count} 节课，${first}至${last}。`,
    takenOut: "已从课表中撤下。",
    taken: (places, lesson, teacher, time) => `${time} 的“${lesson}”（${teacher}）要用${places}`,
    takenNow: (places, lesson, teacher, time) =>
      `${places}正在上“${lesson}”（${teacher}，${time} 开始）`,
    mine: (places, lesson, time) => `您 ${time} 的“${lesson}”也要用${places}`,
    mineNow: (places, lesson, time) => `您自己的“${lesson}”（${time} 开始）还没有下课，正用着${places}`,
    teacherElsewhere: (lesson, teacher, time) => `${teacher} ${time} 还有另一节课“${lesson}”`,
    mineElsewhere: (lesson, time) => `您 ${time} 还有另一节课“${lesson}”`,
    mineElsewhereNow: (lesson, time) => `您自己的“${lesson}”（${time} 开始）还没有下课`,
    clashHint: "请换个时间或教室，或与那位教师商量。",
    moveOne: "请换个时间或教室，或调整另一节课。",
    endYours: "请先结束那节课，或换个时间。",
  },
};
