// The browser's cameras and microphones, played: whoever asks for one waits until the test answers.

import { settled } from "../page_on_its_own.ts";

export class FakeTrack extends EventTarget {
  readonly kind = "video";
  readonly label = "Webcam";
  enabled = true;
  getSettings(): object {
    return {};
  }
  stop(): void {
    this.enabled = false;
  }
}

export interface Asked {
  readonly kind: "audio" | "video";
  give(track: FakeTrack): Promise<void>;
  refuse(name: string): Promise<void>;
}

/** The browser's devices: each time it is asked, the test answers. */
export class AskedDevices extends EventTarget {
  readonly asked: Asked[] = [];

  last(kind: Asked["kind"]): Asked {
    const last = this.asked.findLast((one) => one.kind === kind);
    if (!last) throw new Error(`nobody has asked for ${kind}`);
    return last;
  }

  getDisplayMedia(): Promise<never> {
    return Promise.reject(new DOMException("", "NotAllowedError")); // the person thought better of it
  }

  enumerateDevices(): Promise<MediaDeviceInfo[]> {
    return Promise.resolve([]);
  }

  getUserMedia(constraints: MediaStreamConstraints): Promise<object> {
    return new Promise((resolve, reject) => {
      this.asked.push({
        kind: constraints.audio ? "audio" : "video",
        give: (track) => {
          resolve({ getTracks: () => [track] });
          return settled();
        },
        refuse: (name) => {
          reject(new DOMException("", name));
          return settled();
        },
      });
    });
  }
}
