// Which keys each page has, for the list behind "?". What they do, the pages say themselves.

import type { KeyLine } from "./components/key_help.ts";
import type { Messages } from "./i18n/index.ts";
import { PLAYER_KEYS } from "./pages/player/keys.ts";
import type { Route } from "./router.ts";

export function keysOf(page: Route["page"], { keys, player }: Messages): readonly KeyLine[] {
  const own: Partial<Record<Route["page"], readonly KeyLine[]>> = {
    teach: [
      ["M", keys.microphone],
      ["V", keys.camera],
      ["S", keys.screen],
      ["C", keys.chat],
      ["D", keys.devices],
      ["B", keys.mark],
      ["Esc", keys.leaveField],
    ],
    room: [[keys.spaceBar, keys.hand]],
    player: PLAYER_KEYS.map(([signs, name]) => [
      signs.replace("␣", keys.spaceBar),
      player.helpKeys[name],
    ]),
  };
  const everywhere: readonly KeyLine[] = [
    ["Tab", keys.next],
    ["Enter", keys.press],
    ["?", keys.help],
  ];
  return [...(own[page] ?? [["Esc", keys.escape] as const]), ...everywhere];
}
