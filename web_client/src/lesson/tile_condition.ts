// Why a picture moves or does not: one word, the most telling one first. Pure.

import { VIDEO_CODEC_VALUES } from "../protocol/messages.ts";
import { type Picture, producerOf } from "./selectors.ts";
import type { View } from "./state.ts";

export type TileCondition =
  | "moving"
  | "absent" // its seat has not come
  | "away" // its seat's line is lost, it is expected back
  | "away-a-while" // whoever leads was here, has left or lost the line, and comes back
  | "no-picture" // it sends no such picture
  | "picture-off" // its own people have closed it
  | "elsewhere" // another device of this very seat sends it: nobody receives his own seat
  | "unshowable" // sent in a codec that this browser does not have
  | "starting" // sent, but no frame has come yet
  | "paused" // our line (or theirs) is too weak for a picture
  | "stalled"; // it should move and does not

export function tileCondition(view: View, picture: Picture, hasFrames: boolean): TileCondition {
  const { seatId, source } = picture;
  if (seatId === view.me?.seatId) {
    if (view.closed.has(source)) return "picture-off";
    if (view.own.has(source)) return hasFrames ? "moving" : "starting";
    if (view.camera === "starting") return "starting";
  }
  const seat = view.seats.get(seatId);
  const producer = producerOf(view, picture);
  if (!seat?.present) {
    const gone = seat?.role === "lead" && view.lesson?.begun ? "away-a-while" : null;
    if (!seat?.away_since) return gone ?? "absent";
    // Its signaling is cut, but its picture may still come: then there is nothing to hide.
    const comes = producer && hasFrames && view.tracks.has(producer.producer_id);
    return comes && !view.stalled.has(producer.producer_id) ? "moving" : (gone ?? "away");
  }
  if (producer?.kind !== "video") return "no-picture";
  if (producer.muted) return "picture-off";
  if (seatId === view.me?.seatId) {
    // What this device has just ceased to send still stands in the server's list for a moment.
    return producer.device_id === view.me.deviceId ? "no-picture" : "elsewhere";
  }
  const foreign = VIDEO_CODEC_VALUES.find((codec) => codec === producer.codec);
  if (foreign && !view.shows.includes(foreign)) return "unshowable";
  const stream = view.streams.get(producer.producer_id);
  if (stream?.layer === -1 && stream.reason === "bandwidth") return "paused";
  // Its own line has no room for a picture. (A shared screen that stands still is silent too.)
  const stopped = stream?.layer === -1 && stream.reason === "producer-silent";
  if (stopped && hasFrames && source !== "screen") return "paused";
  if (!hasFrames || !view.tracks.has(producer.producer_id)) return "starting";
  if (view.stalled.has(producer.producer_id)) return "stalled";
  return "moving";
}
