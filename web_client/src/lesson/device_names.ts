// What a device is called: one name for it wherever it is named, in the check before a lesson, the
// menus in it, the room's gear, the room's card, and what is said above the pictures.
//
// A browser's labels carry what no person calls a device by: Chromium repeats the system's choice as
// "Default - …" (in the system's language), and adds the numbers "(046d:0825)" of USB.

import type { Messages } from "../i18n/index.ts";
import type { Source } from "../protocol/messages.ts";
import { type DeviceUse, SYSTEM_CHOICES } from "./remembered_devices.ts";

const USB_NUMBERS = /\s*\([0-9a-f]{4}:[0-9a-f]{4}\)$/i;

/** The device's own name. */
export function deviceName(label: string): string {
  return label.replace(USB_NUMBERS, "").trim();
}

/** The name of the device that gives an open track, also where the system chose it. */
export function trackName(track: MediaStreamTrack): string {
  const bySystem = SYSTEM_CHOICES.has(track.getSettings().deviceId ?? "");
  return deviceName(bySystem ? track.label.replace(/^.*? - /, "") : track.label);
}

/** Of what a browser lists the devices themselves: each once, and by their names. */
export function namedDevices(devices: readonly MediaDeviceInfo[]): [id: string, name: string][] {
  return devices
    .filter((one) => one.deviceId && one.label && !SYSTEM_CHOICES.has(one.deviceId))
    .map((one) => [one.deviceId, deviceName(one.label)]);
}

/** What a seat's cameras are to each other. */
export interface Cameras {
  /** "The camera" of whoever has one; a person's others are further ones. */
  readonly first: Source | undefined;
  /** A room's are named by what they show. */
  readonly ofRoom: boolean;
}

/** What a device is there for. */
export function useName(use: DeviceUse, cameras: Cameras, { teach, sources }: Messages): string {
  if (use === "room") return teach.microphone;
  if (use === "speaker") return teach.speaker;
  if (cameras.ofRoom) return teach.cameraFor(sources[use]);
  return use === cameras.first ? teach.camera : teach.furtherCamera(sources[use]);
}

/** The cameras among what is sent, in their order. */
export function camerasOf(sources: readonly Source[]): Source[] {
  return sources.filter((source) => source !== "room" && source !== "screen");
}
