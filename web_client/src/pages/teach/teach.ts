// The teacher's page: check the devices, enter, see all rooms, lead the lesson, end it.

import { html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { get, post } from "../../api/client.ts";
import type { Lesson, SeatReadiness } from "../../api/types.ts";
import type { Chat } from "../../components/chat.ts";
import { define } from "../../components/element.ts";
import { later } from "../../components/later.ts";
import { LessonPage, personTokens, replaced } from "../../components/lesson_page.ts";
import { Polling } from "../../components/polling.ts";
import { notLetIn, putOut } from "../../components/put_out.ts";
import "../../components/sound.ts";
import "../../components/stage.ts";
import { failure, failureTitle } from "../../components/states.ts";
import { Title } from "../../components/title.ts";
import { base, controls } from "../../design/shared.ts";
import { facePicture, hands, mySeat, rooms } from "../../lesson/selectors.ts";
import { LessonSession } from "../../lesson/session.ts";
import { largeForOthers, leadStage, same } from "../../lesson/stage.ts";
import type { View } from "../../lesson/state.ts";
import type { Source } from "../../protocol/messages.ts";
import type { Arrangement } from "./arrangement.ts";
import type { ControlBar } from "./control_bar.ts";
import { density } from "./density.ts";
import "./device_check.ts";
import type { DevicePanel } from "./device_panel.ts";
import { expected } from "./expected.ts";
import "./room_card.ts";
import { notice } from "./notice.ts";
import { SharingLayout } from "./sharing_layout.ts";
import { SharingPages } from "./sharing_pages.ts";
import { teachStyles } from "./styles.ts";
import "./top_bar.ts";
import type { TopBar } from "./top_bar.ts";

const WHO_IS_THERE_EVERY_MS = 5000;

export class Teach extends LessonPage {
  static override styles = [base, controls, teachStyles];

  @property() lessonId = "";
  @state() private lesson: Lesson | null = null;
  @state() private waiting: readonly SeatReadiness[] = [];
  @state() private error: unknown = null;
  @state() private inside = false;
  @state() private starting = false;
  @state() private said = "";
  /** What is open below the pictures: one thing is enough. */
  @state() private open: "devices" | "arrangement" | null = null;
  /** Which picture of a room the lead looks at, by seat. */
  @state() private pictures: ReadonlyMap<string, Source> = new Map();
  private readonly sharingLayout = new SharingLayout();
  private readonly sharingPages = new SharingPages();
  private readonly onKey = (event: KeyboardEvent): void => this.key(event);

  constructor() {
    super();
    new Polling(this, () => this.lookWhoIsThere(), WHO_IS_THERE_EVERY_MS);
    new Title(this, () => [...this.standing(), this.lessonTitle()]);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.onKey);
    this.useSession(
      new LessonSession({
        lessonId: this.lessonId,
        device: "browser",
        token: personTokens(this.lessonId, "lead"),
        listens: true,
        oneWindow: true,
      }),
    );
    void this.load().then(() => later(() => import("./behind.ts")));
  }

  override disconnectedCallback(): void {
    removeEventListener("keydown", this.onKey);
    super.disconnectedCallback();
  }

  private get enteredName(): string {
    return `tongke.entered.${this.lessonId}`;
  }

  private async load(): Promise<void> {
    this.error = null;
    try {
      this.lesson = await get<Lesson>(`/api/lessons/${encodeURIComponent(this.lessonId)}`);
      void this.lookWhoIsThere();
    } catch (error) {
      this.error = error;
      return;
    }
    if (!this.isLive()) return;
    // A reload in the middle of a lesson goes straight back in.
    if (sessionStorage.getItem(this.enteredName)) {
      this.session?.open();
      this.enter();
    }
    this.look();
  }

  /**
   * See the rooms come before entering; but where another window of this browser is in the lesson,
   * it goes on until the button here is pressed.
   */
  private look(): void {
    if (!this.session?.isKnown) this.session?.open();
  }

  private async lookWhoIsThere(): Promise<void> {
    if (this.view.phase !== "idle" || !this.lesson || this.lesson.state === "ended") return;
    try {
      const address = `/api/lessons/${encodeURIComponent(this.lessonId)}`;
      this.waiting = await get<SeatReadiness[]>(`${address}/readiness`);
      this.lesson = await get<Lesson>(address);
    } catch {
      return; // asked again in a few seconds
    }
    // The doors open by themselves shortly before the hour: the rooms are seen coming.
    if (this.isLive()) this.look();
  }

  private isLive(): boolean {
    return this.lesson?.state === "live";
  }

  private async start(): Promise<void> {
    this.starting = true;
    try {
      if (this.lesson?.state === "planned") {
        await post(`/api/lessons/${encodeURIComponent(this.lessonId)}/start`);
      }
      this.session?.open({ anew: true });
      this.enter();
    } catch (error) {
      this.error = error;
    } finally {
      this.starting = false;
    }
  }

  private enter(): void {
    sessionStorage.setItem(this.enteredName, "yes");
    this.inside = true;
    this.session?.send();
  }

  protected override viewChanged(before: View, now: View): void {
    for (const seat of now.seats.values()) {
      if (seat.hand && !before.seats.get(seat.seat_id)?.hand) {
        this.said = this.m.teach.handRaised(seat.name);
      }
    }
    const floor = now.lesson?.floor;
    if (floor && floor !== before.lesson?.floor) {
      this.said = this.m.teach.roomSpeaks(now.seats.get(floor)?.name ?? "");
    }
    const shared = before.own.has("screen");
    if (shared !== now.own.has("screen")) this.sharingLayout.changed(!shared, this.session);
    void this.sharingPages.changed(now.own.get("screen") ?? null, this.session);
    if (now.phase === "ended" || now.phase === "removed") {
      sessionStorage.removeItem(this.enteredName);
    }
  }

  private key(event: KeyboardEvent): void {
    const target = event.composedPath()[0];
    const typing = target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
    if (typing || !this.inside || event.ctrlKey || event.metaKey || event.altKey) return;
    const { own, closed } = this.view;
    switch (event.key.toLowerCase()) {
      case "m":
        if (own.has("room")) this.session?.setClosed("room", !closed.has("room"));
        break;
      case "v":
        if (own.has("teacher")) this.session?.setClosed("teacher", !closed.has("teacher"));
        break;
      case "s":
        this.toggleScreen();
        break;
      case "b":
        void this.renderRoot.querySelector<TopBar>("tk-top-bar")?.mark();
        break;
      case "c":
        event.preventDefault();
        this.toggleChat();
        break;
      case "d":
        event.preventDefault();
        this.toggleDevices();
        break;
    }
  }

  private toggleScreen(): void {
    if (this.view.own.has("screen")) this.session?.stopScreen();
    else void this.session?.shareScreen();
  }

  private toggleChat(): void {
    const open = !this.view.chatOpen;
    this.open = null;
    this.session?.store.dispatch({ type: "chat-open", open });
    if (open) {
      void this.updateComplete.then(() => this.renderRoot.querySelector<Chat>("tk-chat")?.focus());
    }
  }

  /** Escape in its field closes it: the letters are keys again. */
  private readonly leaveChat = (): void => {
    this.toggleChat();
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<ControlBar>("tk-control-bar")?.focusChat(),
    );
  };

  private readonly toggleDevices = (): void => {
    this.toggle("devices");
    void this.updateComplete.then(() => {
      const to = this.open === "devices" ? "tk-device-panel" : "tk-control-bar";
      this.renderRoot.querySelector<DevicePanel | ControlBar>(to)?.focus();
    });
  };

  private readonly toggleArrangement = (): void => {
    this.toggle("arrangement");
    void this.updateComplete.then(() => {
      if (this.open) this.renderRoot.querySelector<Arrangement>("tk-arrangement")?.focus();
      else this.renderRoot.querySelector<ControlBar>("tk-control-bar")?.focusArrangement();
    });
  };

  private toggle(panel: NonNullable<typeof this.open>): void {
    this.open = this.open === panel ? null : panel;
    if (this.open) this.session?.store.dispatch({ type: "chat-open", open: false });
  }

  private lessonTitle(): string {
    return this.view.lesson?.title ?? this.lesson?.title ?? "";
  }

  /** How the lesson stands, for the window's title; raised hands first. */
  private standing(): string[] {
    const { view, m } = this;
    if (this.error !== null) return [failureTitle(m.app, this.error)];
    if (!this.lesson) return [m.app.loading];
    if (view.phase === "ended" || this.lesson.state === "ended") return [m.lesson.endedTitle];
    if (view.phase === "refused" && !view.me) return [m.lesson.refusedTitle];
    if (view.phase === "removed") return [m.lesson.putOutTitle];
    if (view.phase === "replaced") return [m.lesson.replacedTitle];
    if (!this.inside) return [m.teach.checkTitle];
    if (view.phase === "reconnecting") return [m.link.lost];
    if (view.phase !== "live") return [m.lesson.connecting];
    const raised = hands(view).length;
    return [raised ? m.teach.handsUp(raised) : "", m.lesson.going];
  }

  override render(): TemplateResult {
    const { view, m, session } = this;
    if (this.error !== null) return failure(m.app, this.error, () => void this.load());
    if (!this.lesson || !session) return html`<tk-opening></tk-opening>`;
    if (view.phase === "ended" || this.lesson.state === "ended") {
      return html`<tk-lesson-ended
        .lesson=${this.lesson}
        .reason=${view.ended}
        ?recorded=${view.lesson?.record ?? this.lesson.record}
      ></tk-lesson-ended>`;
    }
    if (view.phase === "refused" && !view.me) return notLetIn(m, view.refusal);
    if (view.phase === "removed") return putOut(m, view.refusal);
    if (view.phase === "replaced") return replaced(m.lesson, session);
    return html`
      <tk-top-bar
        .view=${view}
        .session=${session}
        .heading=${this.lesson.title}
        .now=${this.now}
        .inside=${this.inside}
      ></tk-top-bar>
      ${this.banner()}
      <div class="middle">
        <div class="pictures">
          <section class="stage ${this.inside ? "" : "check"}" aria-label=${m.lesson.stage}>
            ${this.inside ? this.stage(session) : this.check(session)}
          </section>
          ${this.inside ? this.panel(session) : nothing}
        </div>
        <aside aria-label=${m.lesson.rooms}>
          <h2 class="visually-hidden">${m.lesson.rooms}</h2>
          ${this.inside
            ? html`<tk-all-rooms .view=${view} .session=${session}></tk-all-rooms>`
            : nothing}
          ${view.me ? this.rooms(session) : expected(m, this.lesson, this.waiting, this.now)}
          ${view.chatOpen
            ? html`<tk-chat
                .view=${view}
                .session=${session}
                @close-chat=${this.leaveChat}
              ></tk-chat>`
            : nothing}
        </aside>
      </div>
      ${this.inside
        ? html`<tk-control-bar
            role="toolbar"
            aria-label=${m.teach.controls}
            .view=${view}
            .session=${session}
            @toggle-screen=${this.toggleScreen}
            ?devices=${this.open === "devices"}
            ?arranging=${this.open === "arrangement"}
            @toggle-arrangement=${this.toggleArrangement}
            @toggle-chat=${this.toggleChat}
            @toggle-devices=${this.toggleDevices}
          ></tk-control-bar>`
        : nothing}
      <tk-sound .view=${view} .session=${session} .silent=${!this.inside}></tk-sound>
      <p class="visually-hidden" role="status" aria-live="polite">${this.said}</p>
    `;
  }

  private panel(session: LessonSession): TemplateResult | typeof nothing {
    const { view, m } = this;
    switch (this.open) {
      case "devices":
        return html`<tk-device-panel
          role="group"
          aria-label=${m.teach.devices}
          .view=${view}
          .session=${session}
          @close-devices=${this.toggleDevices}
        ></tk-device-panel>`;
      case "arrangement":
        return html`<tk-arrangement
          role="group"
          aria-label=${m.arrangement.title}
          .view=${view}
          .session=${session}
          @close-arrangement=${this.toggleArrangement}
        ></tk-arrangement>`;
      case null:
        return nothing;
    }
  }

  private stage(session: LessonSession): TemplateResult {
    const { view, m } = this;
    const stage = leadStage(view, this.pictures);
    const empty = rooms(view).length === 0 ? m.teach.noRooms : m.teach.nobody;
    return html`<tk-stage
      below
      .view=${view}
      .session=${session}
      .stage=${stage}
      .empty=${view.phase === "live" ? empty : m.lesson.connecting}
      .note=${this.roomsSeeMe() ? m.teach.roomsSeeYou : ""}
    ></tk-stage>`;
  }

  /** The lead is the large picture on the rooms' screens, which is small here. */
  private roomsSeeMe(): boolean {
    const large = largeForOthers(this.view);
    const me = mySeat(this.view);
    return me !== null && same(large, facePicture(me));
  }

  private check(session: LessonSession): TemplateResult {
    return html`<tk-device-check
      .view=${this.view}
      .session=${session}
      .running=${this.lesson?.state === "live"}
      .busy=${this.starting}
      .startsAt=${this.lesson?.state === "planned" ? this.lesson.starts_at : null}
      .now=${this.now}
      @device-start=${this.start}
    ></tk-device-check>`;
  }

  private rooms(session: LessonSession): TemplateResult {
    const { view } = this;
    const dense = density(rooms(view).length, view.chatOpen, window);
    return html`<div class="rooms">
      ${repeat(
        rooms(view),
        (seat) => seat.seat_id,
        (seat) =>
          html`<tk-room-card
            .view=${view}
            .session=${session}
            .seat=${seat}
            .now=${this.now}
            .chosen=${this.pictures.get(seat.seat_id) ?? null}
            ?heard=${this.inside}
            density=${dense}
            @choose-picture=${(event: CustomEvent<Source>) => {
              this.pictures = new Map([...this.pictures, [seat.seat_id, event.detail]]);
            }}
          ></tk-room-card>`,
      )}
      <tk-others .view=${view} .session=${session}></tk-others>
      ${view.lesson && view.lesson.program !== "none"
        ? html`<tk-elsewhere .lessonId=${this.lessonId}></tk-elsewhere>`
        : nothing}
    </div>`;
  }

  /** What is amiss, in a line above the pictures. */
  private banner(): TemplateResult | typeof nothing {
    const { view, session, m, inside, toggleDevices, retryDevices } = this;
    const devicesOpen = this.open === "devices";
    if (!session) return nothing;
    return notice({ view, session, m, inside, devicesOpen, toggleDevices, retryDevices });
  }

  private readonly retryDevices = async (): Promise<void> => {
    await this.session?.devices.retry();
    await this.updateComplete;
    // The button went with its reason: the focus goes to where devices are chosen.
    if (document.activeElement !== document.body) return;
    this.renderRoot.querySelector<ControlBar>("tk-control-bar")?.focus();
  };
}

define("tk-teach", Teach);
