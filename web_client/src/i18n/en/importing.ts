// English words of the import from a table.

const rules = new Intl.PluralRules("en");

function plural(count: number, one: string, other: string): string {
  return `${count} ${rules.select(count) === "one" ? one : other}`;
}

export const importing = {
  title: "Import",
  lead: "Schools, classrooms, devices and people from one table. You see first what it would do; nothing is written until you agree.",
  fill: "Fill in the template",
  excel: "Excel template",
  csv: "CSV template",
  fillHint: "A table of your own will do, too: it needs headings such as School, Classroom, Name, User name.",
  choose: "Choose the file",
  chooseAnother: "Choose another file",
  limits: (megabytes: number, rows: string) =>
    `Excel (.xlsx) or CSV, at most ${megabytes} MB and ${rows} rows. You can also drop it here.`,
  tooLarge: (megabytes: number) =>
    `The file is too large: at most ${megabytes} MB. Split it and import the pieces.`,
  looking: "Reading the file…",
  importing: "Importing…",
  file: (name: string, format: string, rows: string) => `${name} (${format}): ${rows}`,
  rows: (count: number) => plural(count, "row", "rows"),
  unused: (headings: string) => `Columns that are not used: ${headings}`,
  things: { school: "Schools", classroom: "Classrooms", device: "Devices", person: "People" },
  one: { school: "School", classroom: "Classroom", device: "Device", person: "Person" },
  changes: { new: "new", changed: "changed", same: "as it is" },
  columns: {
    school: "School",
    kind: "Kind of school",
    classroom: "Classroom",
    profile: "Hardware profile",
    device: "Device",
    person: "Name",
    username: "User name",
    role: "Role",
  },
  colon: ": ",
  row: "Row",
  what: "What happens",
  wrong: (count: number) =>
    `${plural(count, "row is", "rows are")} wrong, and nothing is imported yet. Correct the file and choose it again.`,
  confirmRight: (right: number, wrong: number) =>
    `Import the ${plural(right, "right row", "right rows")} alone, leave out ${wrong}`,
  rightMeans: (what: string) =>
    `That imports ${what}. Rows that are left out, and what leans on them, are not written.`,
  wrongFile: (count: number) =>
    `Download the ${plural(count, "row", "rows")} left out (CSV, with the reason)`,
  wrongName: "left out",
  wereLeftOut: (count: number) =>
    `${plural(count, "row was", "rows were")} left out. Download, correct and import them later.`,
  nothingToDo: "All of this stands already. There is nothing to import.",
  wasBefore: (column: string, before: string) => `${column} (now “${before}”)`,
  leftOut: (count: number) => `${plural(count, "more row", "more rows")} not shown here.`,
  confirm: (what: string) => `Import ${what}`,
  counted: {
    school: (count: number) => plural(count, "school", "schools"),
    classroom: (count: number) => plural(count, "classroom", "classrooms"),
    device: (count: number) => plural(count, "device", "devices"),
    person: (count: number) => plural(count, "person", "people"),
  },
  notYet: "Nothing has been written yet.",
  unanswered:
    "The server’s answer did not come: it may have been imported. Press again within ten minutes: nothing is imported twice, and the addresses are shown.",
  done: "Imported",
  doneNothing: "Nothing new came in.",
  once: "The new addresses are shown only now. Download them and hand them out.",
  download: "Download the addresses (CSV)",
  downloaded: "Downloaded",
  rooms: "Devices: open the address once on the room’s PC, and on no other",
  people: (until: string) => `People: the address signs in once, until ${until}`,
  address: "Address",
  inTheFile: (count: number) => `${plural(count, "more address is", "more addresses are")} in the file.`,
  next: "What comes next",
  another: "Import another file",
  leave: "The new addresses have not been downloaded. They are shown only this once.",
};
