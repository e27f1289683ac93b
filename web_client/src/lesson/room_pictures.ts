// What a room's screen shows where there is a program: what its profile says, or what somebody chose
// behind its gear. Kept on this computer, for every lesson.

export const ROOM_PICTURES = ["profile", "program", "pictures"] as const;
/** What the profile says (and the line allows), always the program, always separate pictures. */
export type RoomPictures = (typeof ROOM_PICTURES)[number];

const KEY = "tongke.room.pictures";

export function roomPictures(): RoomPictures {
  const kept = localStorage.getItem(KEY);
  return ROOM_PICTURES.find((one) => one === kept) ?? "profile";
}

export function rememberRoomPictures(choice: RoomPictures): void {
  localStorage.setItem(KEY, choice);
}
