// What stands on the teacher's page only when something has happened or been asked for: it comes
// behind the page itself, in one piece.

import "../../components/chat.ts";
import "./device_panel.ts";
import "./ended.ts";
import "./others.ts";
