// English words about the server's certificate: how a PC comes to trust it, and how it stands.

export const trust = {
  trust: {
    title: "Make this computer trust the server",
    lead: "Browsers ask about the server’s certificate until they know who has signed it. Install that one certificate once on each computer; renewals and new addresses are then never noticed.",
    given: "Nothing is to be done: the certificate of this server comes from elsewhere.",
    authority: "Certificate authority",
    fingerprint: "SHA-256",
    compare:
      "If this page itself came with a warning, compare this line with what the server printed, or with what an administrator sees under Admin › Certificate.",
    windows: "Windows: Edge, Chrome",
    linux: "Linux: Chromium, Chrome, Edge",
    byHand: "By hand, and Firefox",
    download: (name: string) => `Download ${name}`,
    windowsSteps: [
      "Download the file. Where the browser says that it is not commonly downloaded, keep it.",
      "Open it. Where Windows says that it has protected your PC, choose More info, then Run anyway; then give an administrator’s consent.",
      "It installs the certificate and lets the lesson pages use camera, microphone and sound without asking.",
      "Close the browser and open it again.",
    ],
    linuxSteps: [
      "Download the file and run it, in the folder where it is, as the user who uses the browser. With sudo it also lets the lesson pages use camera, microphone and sound without asking, which a room that nobody touches needs.",
      "Close the browser and open it again.",
    ],
    byHandSteps: [
      "Download the certificate.",
      "Windows, as administrator in PowerShell (if the certificate is in another folder, name that):",
      "Linux, in the certificate’s folder (package libnss3-tools or nss-tools):",
      "Firefox: Settings › Privacy & Security › Certificates › View Certificates › Authorities › Import, then tick “identify websites”. On Windows it takes over what Windows trusts.",
    ],
    run: "Run:",
    copy: "Copy",
    copied: "Copied",
    toSteps: "The PC must trust this server first:",
    toStepsLink: "install its certificate",
  },
  certificate: {
    title: "Certificate",
    none: "A proxy speaks HTTPS for this server; its certificate is looked after there.",
    good: "The certificate is in order.",
    served: "Served now",
    names: "For",
    issuer: "Issued by",
    until: "Until",
    renewsItself: (day: string) => `${day}, renewed by itself before`,
    fingerprint: "SHA-256",
    reloads: "Exchanged since the start",
    known: (issuer: string) =>
      `Browsers know ${issuer} already: computers that open this name need nothing.`,
    others: "For everything else",
    othersLead:
      "Whoever opens an IP address or another name is shown the certificate of this server’s own authority, as before.",
    acme: "From outside, by itself (ACME)",
    acmeFor: "For",
    acmeBy: "Asked at",
    acmeNext: "Next time",
    acmeSaid: "Its own words",
    acmeFailedAt: (when: string) => `Last tried ${when}.`,
    acmeStanding: {
      waiting: "It will be ordered in a moment. Until it is there this server’s own certificate serves.",
      ordering: "It is being ordered now.",
      "in-force": "In force; it is renewed by itself, and no lesson notices.",
      failing:
        "The last order gave none. It is tried again by itself; after you have changed something, “systemctl reload tongke” tries at once.",
    },
    notNamed: (asked: string) =>
      `It is not for ${asked}, the name you have opened this page under: browsers warn there. Let the setting public_url or tls_names name it.`,
  },
};
