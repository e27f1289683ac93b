// Where each page's code is. Small, as it is part of what comes first: a page's code is asked for
// together with the frame and the words around it, not after them.

import type { Route } from "./router.ts";

/** Each page is a chunk of its own: an old room PC loads nothing of the office. */
const code: Record<Route["page"], () => Promise<unknown>> = {
  today: () => import("./pages/today/today.ts"),
  account: () => import("./pages/account.ts"),
  setup: () => import("./pages/setup.ts"),
  "sign-in": () => import("./pages/sign_in.ts"),
  key: () => import("./pages/key.ts"),
  room: () => import("./pages/room/room.ts"),
  teach: () => import("./pages/teach/teach.ts"),
  observe: () => import("./pages/observe.ts"),
  pair: () => import("./pages/pair.ts"),
  trust: () => import("./pages/trust.ts"),
  library: () => import("./pages/library/library.ts"),
  player: () => import("./pages/player/player.ts"),
  admin: () => import("./pages/admin/admin.ts"),
  "not-found": () => Promise.resolve(),
};

/** The code of a page, loaded once; rejected where it could not be. */
export function codeOf(page: Route["page"]): Promise<unknown> {
  return code[page]();
}
