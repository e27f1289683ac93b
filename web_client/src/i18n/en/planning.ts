// English words of planning: changing, cancelling, repeating every week, and what collides.

export const planning = {
  planning: {
    change: "Change the lesson",
    changeOf: (lesson: string) => `Change “${lesson}”`,
    cancelOf: (lesson: string) => `Cancel “${lesson}”`,
    cancelled: (lesson: string) => `“${lesson}” is cancelled.`,
    restored: (lesson: string) => `“${lesson}” is back.`,
    far: "Show lessons after that",
    nothingPlanned: "Nothing is planned.",
    weekly: "Every week at the same time",
    weeks: "How many weeks",
    weeksBetween: (least: number, most: number) => `From ${least} to ${most}`,
    until: "Until",
    dates: "Dates",
    datesHint: "untick what falls into holidays",
    noDay: "Choose at least one day",
    series: (count: number, first: string, last: string) =>
      `${count} lessons stand in the timetable, ${first} to ${last}.`,
    takenOut: "Taken out of the timetable again.",
    taken: (places: string, lesson: string, teacher: string, time: string) =>
      `“${lesson}” (${teacher}) at ${time} needs ${places}`,
    takenNow: (places: string, lesson: string, teacher: string, time: string) =>
      `${places}: “${lesson}” (${teacher}) is going on there, since ${time}`,
    mine: (places: string, lesson: string, time: string) =>
      `Your own “${lesson}” at ${time} needs ${places}, too`,
    mineNow: (places: string, lesson: string, time: string) =>
      `Your own “${lesson}”, since ${time}, is still going on in ${places}`,
    teacherElsewhere: (lesson: string, teacher: string, time: string) =>
      `${teacher} has another lesson at ${time}: “${lesson}”`,
    mineElsewhere: (lesson: string, time: string) => `You have another lesson at ${time}: “${lesson}”`,
    mineElsewhereNow: (lesson: string, time: string) =>
      `Your own “${lesson}”, since ${time}, is still going on`,
    clashHint: "Choose another time or room, or agree with the other teacher.",
    moveOne: "Choose another time or room, or move the other lesson.",
    endYours: "End that lesson first, or choose another time.",
  },
};
