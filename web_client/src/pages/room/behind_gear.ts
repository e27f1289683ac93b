// What stands behind the room's gear: nobody sees it before the page itself.

import "../../components/chat.ts";
import "../../components/device_menu.ts";
import "../../components/speaker_test.ts";
import "./pictures_select.ts";
