// English words for who looks after a county's server: tables, the server itself.

const rules = new Intl.PluralRules("en");

function plural(count: number, one: string, other: string): string {
  return `${count} ${rules.select(count) === "one" ? one : other}`;
}

export const county = {
  tables: {
    search: "Search",
    searchIn: (what: string) => `Search: ${what}`,
    found: (some: string, all: string) => `${some} of ${all}`,
    sortBy: (heading: string) => `Sort by ${heading}`,
    nothing: "Nothing fits. Search for something else, or show all.",
    showAll: "Show all",
    more: (count: string) => `Show ${count} more`,
    todo: "To do",
    todos: {
      "without-classroom": "Without a classroom",
      "without-teacher": "Without a teacher",
      "without-community": "In no community",
      "without-credential": "Without a credential",
      "never-seen": "Never seen",
      "copied-credential": "On two machines at once",
      "without-school": "Teachers of no school",
      "not-come-yet": "Have no password yet",
    },
  },
  server: {
    title: "This server",
    version: "Version",
    system: "System",
    runsSince: "Runs since",
    storage: "Storage",
    used: "Recordings take",
    free: "Free",
    diskUsed: (used: string, free: string) => `Disk: ${used} used, ${free} free`,
    freeOf: (free: string, total: string) => `${free} of ${total}`,
    perDay: "Comes in a day, in the last weeks",
    perDayUnknown: "Not known yet: the recordings are younger than a week",
    daysLeft: "Room for",
    days: (count: number) => plural(count, "day", "days"),
    manyDays: "more than two years",
    nothingComes: "Nothing was recorded in the last four weeks",
    fewDays: "There is little room left. Delete recordings, or give the folder a larger disk.",
    recordingsFolder: "Recordings are in",
    dataFolder: "Everything else is in",
    diskUnknown: "The disk does not answer",
    settings: "Settings in force",
    settingsHint: "Where and how each is set: docs/settings.md. Passwords and secrets are not shown.",
    setting: "Setting",
    value: "Value",
    usual: "as usual",
    changed: "set here",
    empty: "empty",
    onlyChanged: "Only what is set here",
    allUsual: "Nothing was set: all stand at their defaults. Take the tick away to see them.",
    log: "Log",
    logHint: "The last lines since the start, the latest at the end. Secrets are left out.",
    logEmpty: "Nothing has been logged since the start.",
    logWith: "Lines with",
    reload: "Look again",
  },
  firstPassword: {
    welcome: (name: string) => `Welcome, ${name}`,
    hint: (username: string) =>
      `Choose a password. From now on you sign in with the user name “${username}” and this password; the address you opened works no second time.`,
    again: "The same again",
    differs: "These two are not the same",
    done: "Set the password and begin",
  },
  trusted: {
    heading: "Which rooms trust it",
    cameIn: (some: number, all: number) =>
      `${some} of ${plural(all, "classroom has", "classrooms have")} come in since this issuer’s certificates are in use: their PCs trust it, or somebody passed over the warning.`,
    notYet: "Not yet come in; whether their PCs trust it is not known:",
    all: "Every classroom has come in since this issuer’s certificates are in use.",
    noRooms: "There are no classrooms yet.",
  },
};
