// English words of the acceptance test's reports (`tongke doctor`).

export const checks = {
  checks: {
    title: (room: string) => `Checks of ${room}’s equipment`,
    none: "No check yet. On the room’s PC: http://127.0.0.1:7889/check, or tongke doctor.",
    faults: (count: number) => (count === 1 ? "1 thing needs care" : `${count} things need care`),
    grades: { good: "All well", untried: "Not tried", weak: "Needs care", bad: "Fault" },
    open: "Report, to be printed",
    openOf: (time: string) => `Report of ${time}, to be printed`,
    server: "Check this server",
    serverHint: "Takes some seconds: what it carries, ports, certificate, disks, database",
    room: "Check this room’s equipment",
    roomHint: "Where the room agent runs on this PC",
  },
};
