// Which device a person chose for what, kept on this computer: by id, and by name for when ids
// have changed (a browser gives new ones when its site data is cleared).

import type { Source } from "../protocol/messages.ts";

const KEY = "tongke.devices";
/** "no device for this source", as remembered. */
export const NO_DEVICE = "none";
/** Ids under which Chromium lists what the system has chosen, beside the device itself. */
export const SYSTEM_CHOICES: ReadonlySet<string> = new Set(["default", "communications"]);

/** What a device is chosen for: a source that is sent, or the sound of the others. */
export type DeviceUse = Source | "speaker";

export interface Remembered {
  readonly id: string;
  readonly label: string;
}

export function rememberDevice(use: DeviceUse, id: string, label: string): void {
  localStorage.setItem(KEY, JSON.stringify({ ...all(), [use]: { id, label } }));
}

/** The choice made for `use`; null for none. */
export function rememberedDevice(use: DeviceUse): Remembered | null {
  const found = all()[use];
  if (SYSTEM_CHOICES.has(found?.id ?? "")) return null; // who chose that chose none
  return typeof found?.id === "string" && typeof found.label === "string" ? found : null;
}

/** The remembered device among those that are here; undefined when it is not (or none was chosen). */
export function findRemembered(
  use: DeviceUse,
  devices: readonly MediaDeviceInfo[],
): MediaDeviceInfo | undefined {
  const choice = rememberedDevice(use);
  if (!choice?.id || choice.id === NO_DEVICE) return undefined;
  return (
    devices.find((one) => one.deviceId === choice.id) ??
    devices.find((one) => one.label !== "" && one.label === choice.label)
  );
}

function all(): Partial<Record<DeviceUse, Remembered>> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}
