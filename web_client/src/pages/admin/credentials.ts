// The credentials of a classroom's devices; a new one's address is shown once.

import { html, type TemplateResult } from "lit";
import type { Credential } from "../../api/types.ts";
import { define } from "../../components/element.ts";
import "../../components/pair_form.ts";
import { trustHint } from "../../components/trust_steps.ts";
import "./room_checks.ts";
import "./room_files.ts";
import { type Fresh, type SecretWords, Secrets } from "./secrets.ts";

/** Starts Chromium so that a room needs no touch: whole screen, sound and camera at once. */
const KIOSK =
  "chromium --kiosk --autoplay-policy=no-user-gesture-required " +
  "--auto-accept-camera-and-microphone-capture";

export class Credentials extends Secrets<Credential> {
  protected override readonly blank = { label: "" };

  protected override get listAddress(): string {
    return `/api/classrooms/${this.classroomId}/credentials`;
  }

  protected override revokeAddress(id: string): string {
    return `/api/credentials/${id}`;
  }

  protected override get words(): SecretWords {
    const { admin } = this.m;
    return {
      title: admin.credentialsOf(this.name),
      none: admin.noCredentials,
      label: admin.credentialLabel,
      add: admin.newCredential,
      sure: admin.revokeSure,
      testId: "new-credential",
    };
  }

  protected override fields(): TemplateResult {
    const { admin } = this.m;
    return this.field("label", admin.credentialLabel, { placeholder: admin.credentialPlaceholder });
  }

  protected override shownOnce(fresh: Fresh<Credential>): TemplateResult {
    const { admin } = this.m;
    return html`<div class="new">
      <strong>${admin.addressOnce}</strong>
      <span>${admin.addressNotOn}</span>
      ${trustHint(this.m.trust)}
      ${this.copyable(fresh.address, "room-address")} ${this.whoReaches(fresh)}
      <span>${admin.kioskHint}</span>
      ${this.copyable(`${KIOSK} "${fresh.address}"`, "kiosk-command")}
    </div>`;
  }

  /** A PC that shows eight figures needs no address carried to it: the usual way stands first. */
  protected override beforeNew(): TemplateResult {
    const { pairing } = this.m;
    return html`<p class="soft">${pairing.how(`${location.origin}/room`)}</p>
      <tk-pair-form
        .classroomId=${this.classroomId}
        @paired=${() => void this.load()}
      ></tk-pair-form>
      <p class="soft">${pairing.orAddress}</p>`;
  }

  override render(): TemplateResult {
    return html`${super.render()}
      <tk-room-files
        .classroomId=${this.classroomId}
        .name=${this.name}
        @made=${() => void this.load()}
      ></tk-room-files>
      <tk-room-checks .classroomId=${this.classroomId} .name=${this.name}></tk-room-checks>`;
  }
}

define("tk-credentials", Credentials);

declare global {
  interface HTMLElementTagNameMap {
    "tk-credentials": Credentials;
  }
}
