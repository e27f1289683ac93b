// From an address to a page. Pure but for `go`.

export const ADMIN_SECTIONS = [
  "live",
  "schools",
  "classrooms",
  "communities",
  "users",
  "import",
  "certificate",
  "server",
  "keeping",
  "deleted",
] as const;
export type AdminSection = (typeof ADMIN_SECTIONS)[number];

export type Route =
  | { page: "today" | "account" | "library" | "not-found" }
  | { page: "setup" | "sign-in" | "key" | "room" | "trust" }
  | { page: "teach" | "observe" | "player"; id: string }
  | { page: "pair"; code: string }
  | { page: "admin"; section: AdminSection };

/** Pages that need nobody signed in. */
const OPEN_PAGES = new Set<Route["page"]>(["setup", "sign-in", "key", "room", "trust", "not-found"]);
/** Pages that carry live pictures are dark. */
const DARK_PAGES = new Set<Route["page"]>(["teach", "room", "observe", "player"]);

export function parseRoute(path: string): Route {
  const [first = "", second = "", ...rest] = path.split("/").filter(Boolean).map(decode);
  if (rest.length > 0) return { page: "not-found" };
  switch (first) {
    case "":
      return { page: "today" };
    case "account":
    case "setup":
    case "sign-in":
    case "key":
    case "room":
    case "trust":
      return { page: second ? "not-found" : first };
    case "pair":
      return { page: "pair", code: second };
    case "teach":
    case "observe":
      return second ? { page: first, id: second } : { page: "not-found" };
    case "library":
      return second ? { page: "player", id: second } : { page: "library" };
    case "admin":
      return adminRoute(second);
    default:
      return { page: "not-found" };
  }
}

function adminRoute(section: string): Route {
  const known = ADMIN_SECTIONS.find((one) => one === (section || "live"));
  return known ? { page: "admin", section: known } : { page: "not-found" };
}

export function needsPerson(route: Route): boolean {
  return !OPEN_PAGES.has(route.page);
}

export function isDark(route: Route): boolean {
  return DARK_PAGES.has(route.page);
}

/** An address within these pages that may be gone to after signing in; "/" for anything else. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

/** A secret from an address's fragment: `#name=value`, or `#value` alone. */
export function fromFragment(hash: string, name: string): string {
  const text = hash.replace(/^#/, "");
  if (!text.includes("=")) return decode(text);
  return new URLSearchParams(text).get(name) ?? "";
}

/** Go to another page without loading the application anew. */
export function go(path: string, replace = false): void {
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
