// English words about how long recordings are kept.

function plural(count: number, one: string, other: string): string {
  return `${count} ${count === 1 ? one : other}`;
}

export const keeping = {
  title: "How long recordings are kept",
  lead: (days: number) =>
    `Each community has a rule of its own (under Communities). What a rule deletes can come back for ${plural(days, "day", "days")}. What cannot be read is never deleted.`,
  rule: "Recordings",
  rules: {
    keep: "Kept",
    program: "The program alone is kept",
    delete: "Deleted",
  },
  ruleOf: {
    keep: () => "kept",
    program: (days: number) => `the program alone after ${plural(days, "day", "days")}`,
    delete: (days: number) => `deleted after ${plural(days, "day", "days")}`,
  },
  days: "How many days after the lesson",
  daysWrong: "A whole number from 1 to 3660",
  quota: "Quota in GB",
  quotaHint: "From four fifths of it on, “Today” and “Recordings kept” warn. Nothing is deleted for it.",
  quotaWrong: "A number above 0, or nothing",
  usage: "Communities",
  noCommunities: "No communities yet.",
  community: "Community",
  used: "Used",
  usedOf: (used: string, quota: string) => `${used} of ${quota}`,
  count: (count: number) => plural(count, "recording", "recordings"),
  quotas: {
    near: "The quota is nearly used up",
    over: "More than the quota is used. Nothing is deleted for it: delete some, keep them shorter or raise the quota",
  },
  planned: (count: number) => `In the next 30 days (${count})`,
  nothingPlanned: "No rule will do anything in the next 30 days.",
  kept: (count: number) => `Kept in spite of their rule (${count})`,
  done: "What was done",
  nothingDone: "Nothing was done yet.",
  when: "When",
  what: "What",
  recording: "Recording",
  size: "Size",
  why: "Why",
  by: "By",
  byHand: "by hand",
  deeds: {
    "put-aside": "All but the program is put aside",
    delete: "Deleted",
    drop: "All but the program goes for good",
    purge: "Goes for good",
    kept: "Could not be read, and was kept",
    "brought-back": "Brought back",
  },
  obstacles: {
    unfinished: "It is not finished: nothing plays it",
    "no-program": "It has no program",
    tracks: "Something of it is in its tracks alone",
    damaged: "Files of it are damaged or not there",
    unreadable: "It cannot be read",
    spared: "Somebody brought it back",
  },
  first: (shown: number) => `The first ${shown} are shown; tongke archive plan tells all.`,
  bringBack: "Bring back",
  disks: "Disks, in the order in which they are filled",
};
