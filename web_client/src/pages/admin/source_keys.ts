// The source keys of a classroom's encoders; a new one is shown once, with what OBS and FFmpeg ask for.

import { html, type TemplateResult } from "lit";
import type { SourceKey } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import type { Source } from "../../protocol/messages.ts";
import { type Fresh, type SecretWords, Secrets } from "./secrets.ts";

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
  protected override readonly blank = { label: "", source: SOURCES[0] ?? "" };

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
    )}`;
  }

  protected override headings(): TemplateResult {
    return html`<th scope="col">${this.m.admin.sourceKeySends}</th>`;
  }

  protected override cells(one: SourceKey): TemplateResult {
    return html`<td data-label=${this.m.admin.sourceKeySends}>${this.m.sources[one.source]}</td>`;
  }

  protected override shownOnce(fresh: Fresh<SourceKey>): TemplateResult {
    const { admin } = this.m;
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
}

define("tk-source-keys", SourceKeys);

declare global {
  interface HTMLElementTagNameMap {
    "tk-source-keys": SourceKeys;
  }
}
