// The source keys of a classroom's encoders, and cameras the server asks; a new key is shown once, with
// what OBS and FFmpeg ask for.

import { html, nothing, type TemplateResult } from "lit";
import type { NewSourceKey, SourceKey } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import { said } from "../../i18n/index.ts";
import type { Source } from "../../protocol/messages.ts";
import { type SecretWords, Secrets } from "./secrets.ts";

type Way = SourceKey["way"];

const WAYS: readonly Way[] = ["whip", "rtmp", "srt", "rtsp"];
const SOURCES: readonly Source[] = ["board", "teacher", "students", "screen", "room"];

/**
 * Sends a camera's H.264 as it is, sound as Opus, and begins again when it is over. With a certificate
 * made for it: the one that FFmpeg makes itself is refused where it was built with GnuTLS.
 */
function ffmpegLoop(address: string, key: string): string {
  return (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=encoder " +
    "-keyout encoder.key -out encoder.pem; " +
    "while true; do ffmpeg -rtsp_transport tcp -i rtsp://CAMERA -c:v copy -c:a libopus -ac 2 -ar 48000 " +
    "-f whip -cert_file encoder.pem -key_file encoder.key " +
    `-authorization ${key} ${address}; sleep 5; done`
  );
}

export class SourceKeys extends Secrets<SourceKey> {
  protected override readonly blank = {
    label: "",
    source: SOURCES[0] ?? "",
    way: "whip",
    camera_url: "",
    camera_sub_url: "",
    camera_user: "",
    camera_password: "",
  };

  protected override get listAddress(): string {
    return `/api/classrooms/${this.classroomId}/source_keys`;
  }

  protected override revokeAddress(id: string): string {
    return `/api/source_keys/${id}`;
  }

  protected override get words(): SecretWords {
    const { admin } = this.m;
    return {
      title: admin.sourceKeysOf(this.name),
      none: admin.noSourceKeys,
      label: admin.sourceKeyLabel,
      add: admin.newSourceKey,
      sure: admin.revokeKeySure,
      testId: "new-source-key",
    };
  }

  protected override fields(): TemplateResult {
    const { admin, sources } = this.m;
    return html`${this.field("label", admin.sourceKeyLabel, {
      placeholder: admin.sourceKeyPlaceholder,
      testId: "field-key-label",
    })}
    ${this.select(
      "source",
      admin.sourceKeySends,
      SOURCES.map((value) => ({ value, words: sources[value] })),
    )}
    ${this.select(
      "way",
      admin.sourceKeyWay,
      WAYS.map((value) => ({ value, words: admin.ways[value] })),
    )}
    ${this.text("way") === "rtsp" ? this.cameraFields() : nothing}`;
  }

  private cameraFields(): TemplateResult {
    const { admin } = this.m;
    return html`${this.field("camera_url", admin.cameraUrl, { placeholder: "rtsp://192.168.1.64:554/main" })}
    ${this.field("camera_sub_url", admin.cameraSubUrl, {
      placeholder: "rtsp://192.168.1.64:554/sub",
      optional: true,
    })}
    ${this.field("camera_user", admin.cameraUser, { optional: true })}
    ${this.field("camera_password", admin.cameraPassword, { type: "password", optional: true })}`;
  }

  protected override wrong(): Partial<Record<string, string>> {
    const missing = this.text("way") === "rtsp" && !this.text("camera_url").trim();
    return { ...super.wrong(), ...(missing ? { camera_url: this.m.app.required } : {}) };
  }

  protected override headings(): TemplateResult {
    const { admin } = this.m;
    return html`<th scope="col">${admin.sourceKeySends}</th>
      <th scope="col">${admin.state}</th>`;
  }

  protected override cells(one: SourceKey): TemplateResult {
    const { admin, sources } = this.m;
    return html`<td class="whole" data-label=${admin.sourceKeySends}>${sources[one.source]}</td>
      <td data-label=${admin.state}>${this.standing(one)}</td>`;
  }

  /** How it is; of WHIP its lesson alone knows. */
  private standing(one: SourceKey): TemplateResult | string {
    const { admin } = this.m;
    const way = admin.ways[one.way];
    if (one.way === "whip") return way;
    const told = one.in_lesson && one.sends ? admin.keyInLesson : one.sends ? admin.keySends : admin.keyWaits;
    const fault = one.fault ? said(one.fault) : "";
    const notice = one.notice ? said(one.notice) : "";
    return html`${way} · ${told}${fault ? html`<br /><span class="wrong">${fault}</span>` : nothing}
    ${notice ? html`<br /><span class="soft" data-testid="key-notice">${notice}</span>` : nothing}`;
  }

  protected override shownOnce(fresh: NewSourceKey): TemplateResult {
    const { admin } = this.m;
    if (fresh.way === "rtsp") return html`<p class="soft">${admin.cameraAdded}</p>`;
    if (fresh.way !== "whip") return this.pushedOnce(fresh);
    return html`<div class="new">
      <strong>${admin.keyOnce}</strong>
      <span>${admin.keyObs}</span>
      <span>${admin.keyServer}</span>
      ${this.copyable(fresh.address, "whip-address")} ${this.whoReaches(fresh)}
      <span>${admin.keyToken}</span>
      ${this.copyable(fresh.secret, "whip-token")}
      <span>${admin.keyFfmpeg}</span>
      ${this.copyable(ffmpegLoop(fresh.address, fresh.secret), "whip-ffmpeg")}
    </div>`;
  }

  /** A key of RTMP or SRT: what OBS asks for, and the same as one address for all that ask for one. */
  private pushedOnce(fresh: NewSourceKey): TemplateResult {
    const { admin } = this.m;
    const srt = `${fresh.address}?mode=caller&pbkeylen=16&passphrase=${fresh.secret}`;
    return html`<div class="new">
      <strong>${admin.keyOnce}</strong>
      <span>${admin.keyObsCustom}</span>
      <span>${admin.keyServer}</span>
      ${this.copyable(fresh.way === "srt" ? srt : fresh.address, "push-address")} ${this.whoReaches(fresh)}
      ${fresh.way === "srt"
        ? html`<span>${admin.keySrtBox}</span> ${this.copyable(fresh.address, "push-place")}
            ${this.copyable(fresh.secret, "push-key")}`
        : html`<span>${admin.keyStream}</span> ${this.copyable(fresh.secret, "push-key")}
            ${fresh.address.startsWith("rtmp:") ? html`<span>${admin.keyRtmpOpen}</span>` : nothing}
            ${fresh.secure_address
              ? html`<span>${admin.keyRtmps}</span> ${this.copyable(fresh.secure_address, "push-secure")}`
              : nothing}`}
    </div>`;
  }
}

define("tk-source-keys", SourceKeys);

declare global {
  interface HTMLElementTagNameMap {
    "tk-source-keys": SourceKeys;
  }
}
