// A room's line of state in words.

import type { Messages } from "../../i18n/index.ts";
import type { Caption } from "../../lesson/captions.ts";

export function captionWords(caption: Caption, { room, lesson }: Messages): string {
  switch (caption.kind) {
    case "connecting":
      return lesson.connecting;
    case "reconnecting":
      return lesson.reconnecting;
    case "media-lost":
      return lesson.mediaLost;
    case "ended":
      return room.ended;
    case "floor-mine":
      return room.floorMine;
    case "floor-elsewhere":
      return room.floorElsewhere;
    case "floor-muted":
      return room.floorMuted;
    case "microphone-closed":
      return caption.floor ? room.floorClosed : room.microphoneClosed;
    case "muted-by-lead":
      return room.mutedByLead;
    case "spotlight-mine":
      return room.spotlightMine;
    case "hand-up":
      return room.handUp(caption.place);
    case "no-microphone":
      return room.noMicrophone;
    case "own-picture-paused":
      return room.ownPicturePaused;
    case "picture-paused":
      return room.picturePaused;
    case "program-for-line":
      return room.programForLine;
    case "waiting-for":
      return room.waitingFor(caption.name);
    case "lead-away":
      return room.leadAway(caption.name);
    case "floor-other":
      return room.floorOther(caption.name);
    case "no-camera":
      return room.noCamera;
    case "sound-elsewhere":
      return caption.plays ? room.soundTakenElsewhere : room.soundElsewhere;
    case "open-microphone":
      return room.openMicrophone;
    case "listening":
      return room.listening(caption.name);
  }
}
