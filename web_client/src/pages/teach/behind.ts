// What stands on the teacher's page only in the lesson, or when something has happened or been asked
// for: it comes behind the page itself, in one piece.

import "../../components/chat.ts";
import "../../components/elsewhere.ts";
import "../../components/seat_devices.ts";
import "./all_rooms.ts";
import "./arrangement.ts";
import "./control_bar.ts";
import "./device_panel.ts";
import "./ended.ts";
import "./others.ts";
