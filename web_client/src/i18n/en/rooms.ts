// English words about a room's PC: how it comes to its classroom, and how its devices are.

export const rooms = {
  pairing: {
    title: "Pair a room’s screen",
    tell: "Tell the administrator these eight figures, by telephone for example.",
    then: "As soon as they are entered the room comes in by itself: there is nothing more to do here.",
    scan: "An administrator is here? Scan this with a phone.",
    which: "Which classroom is it that shows these figures?",
    onlyAdministrators:
      "Only an administrator can say which classroom a screen stands in. Tell one the eight figures.",
    code: "Eight figures on the room’s screen",
    eightFigures: "Type the eight figures that stand on the screen.",
    classroom: "Classroom",
    usualLabel: "Room PC",
    pair: "Pair",
    done: "Paired. The screen comes into this classroom within a few seconds.",
    how: (address: string) =>
      `Open ${address} on the room’s PC, and enter here the eight figures that it shows.`,
    orAddress: "Or make a new credential, and open its address once on the room’s PC.",
  },
  readiness: {
    camera: "Camera: ",
    sound: "Microphone: ",
    line: "Line: ",
    cameraIs: {
      ready: "works",
      checking: "being checked…",
      unanswered: "the browser waits for permission",
      black: "gives a black picture",
      frozen: "gives a picture that stands still",
      silent: "gives nothing",
      busy: "in use by another program",
      lost: "unplugged",
      denied: "not allowed",
      missing: "not found",
      off: "not used",
    },
    soundIs: {
      ready: "works",
      checking: "being checked…",
      unanswered: "the browser waits for permission",
      black: "gives nothing",
      frozen: "gives nothing",
      silent: "gives no sound at all",
      busy: "in use by another program",
      lost: "unplugged",
      denied: "not allowed",
      missing: "not found",
      off: "not used",
    },
    lineIs: {
      ready: "good",
      checking: "being checked…",
      slow: "slow",
      detour: "works, pictures may lag (IT: open UDP)",
      blocked: "lets no lesson through",
    },
  },
  speakerTest: {
    test: "Test the loudspeaker",
    playing: "Three tones are playing…",
    played: "Heard nothing? Choose another loudspeaker, or turn it up.",
    failed: "This loudspeaker cannot be played. Choose another one.",
  },
  roomFile: {
    lead: "Or one file for the PC: it installs the certificate, lets the pages use camera, microphone and sound, and opens this classroom over the whole screen when the PC starts. Made for one PC; whoever has the file is this classroom.",
    download: { windows: "File for Windows", linux: "File for Linux" },
    label: { windows: "Windows PC, by file", linux: "Linux PC, by file" },
    steps: {
      windows: [
        "Carry the file to the classroom’s PC (a USB stick will do) and open it there.",
        "Where Windows says that it has protected your PC, choose More info, then Run anyway; give an administrator’s consent.",
        "Restart the PC, then delete the file from stick and PC.",
      ],
      linux: [
        "Carry the file to the classroom’s PC and run it there with sudo sh, as the user who uses the browser.",
        "Sign in to the PC again, then delete the file from stick and PC.",
      ],
    },
  },
  pcSteps: {
    title: "To start by itself, untouched, this PC still lacks:",
    trusted: {
      lacks: "The server’s certificate is not trusted.",
      mend: (origin: string) => `Install it: ${origin}/trust`,
    },
    devices: {
      lacks: "Camera and microphone are asked for each time.",
      mend: (origin: string) => `Choose Allow, or open ${origin}/trust and run the file there.`,
    },
    whole: {
      lacks: "The page does not fill the screen.",
      mend: () => "Press F11, or start the browser as the room’s file does.",
    },
    sound: {
      lacks: "Sound waits for a touch.",
      mend: (origin: string) => `Press any key after each start, or open ${origin}/trust and run the file there.`,
    },
  },
};
