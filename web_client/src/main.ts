// The first code to run: the language, then the application.

import "./design/tokens.css";
import { startLanguage } from "./i18n/index.ts";
import { codeOf } from "./page_code.ts";
import { parseRoute } from "./router.ts";

const REMIND_MS = 3000;

async function start(): Promise<void> {
  // All at once: on a thin line each answer that is waited for costs more than what it brings.
  const words = startLanguage();
  const frame = import("./app.ts");
  codeOf(parseRoute(location.pathname).page).catch(() => undefined); // the frame asks again, and tells
  await Promise.all([words, frame]);
  document.body.append(document.createElement("tk-app"));
}

/** A room PC that starts while the server is away must come up by itself. */
function startOrRetry(): void {
  start().catch(() => setTimeout(() => location.reload(), REMIND_MS));
}

// A page that the browser kept whole and shows again knows nothing of who signed out meanwhile.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
startOrRetry();
