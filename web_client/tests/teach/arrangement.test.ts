// @vitest-environment happy-dom
// Who stands where, as the teacher arranges it.

import { describe, expect, it } from "vitest";
import { FakeSocket } from "../lesson/fake_socket.ts";
import { lesson, seat, source } from "../lesson/views.ts";
import { find, isOff, press, seen, settled, words } from "../page_on_its_own.ts";
import { button, heard, inside, key, playsTeaching } from "./scene.ts";

const played = playsTeaching();

const rooms = [seat("lead"), seat("r1"), seat("r2")];
const program = {
  source: "program" as const,
  producer_id: "p-program",
  kind: "video" as const,
  codec: "H264",
  seat_id: null,
};

async function arranging(more: Parameters<typeof lesson>[0] = {}): Promise<ShadowRoot> {
  const root = await inside(played, { seats: rooms, lesson: lesson(more) });
  await press(root, ...button("arrange"));
  return root;
}

function places(root: ShadowRoot): HTMLSelectElement[] {
  const panel = find(root, "tk-arrangement").shadowRoot;
  return [...(panel?.querySelectorAll("select") ?? [])];
}

async function choose(root: ShadowRoot, place: number, name: string): Promise<void> {
  const field = places(root)[place];
  const option = [...(field?.options ?? [])].find((one) => words(one) === name);
  if (!field || !option) throw new Error(`no ${name} in place ${place}`);
  field.value = option.value;
  field.dispatchEvent(new Event("change"));
  await settled();
}

const shown = (root: ShadowRoot): string[] =>
  places(root).map((field) => words(field.selectedOptions[0] ?? null));

describe("the arrangement", () => {
  it("shows a place for each picture of the layout; two change places by one choice", async () => {
    const root = await arranging({ layout: "wall" });
    const [lead, first, second] = shown(root);
    expect(shown(root)).toEqual(["Ms Li：教师", "Room r1：学生", "Room r2：学生"]);
    await choose(root, 0, second ?? "");
    expect(FakeSocket.last.asked).toMatchObject({
      type: "set_places",
      places: [
        { seat_id: "r2", source: "students" },
        { seat_id: "r1", source: "students" },
        { seat_id: "lead", source: "teacher" },
      ],
    });
    const now = [{ seat_id: "r2", source: null }];
    await heard({ type: "lesson_changed", lesson: lesson({ layout: "wall", places: now }) });
    expect(shown(root)).toEqual([second, lead, first]);
    await press(find(root, "tk-arrangement").shadowRoot ?? root, "[data-testid=places-reset]");
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_places", places: [] });
  });

  it("lets what is shared stand where it stands", async () => {
    const sharing = seat("lead", {
      sources: [source("lead", "teacher"), source("lead", "screen"), source("lead", "room")],
    });
    const root = await inside(played, {
      seats: [sharing, ...rooms.slice(1)],
      lesson: lesson({ layout: "screen" }),
    });
    await press(root, ...button("arrange"));
    expect(places(root).map(isOff)).toEqual([true, false, false, false]);
    await choose(root, 1, shown(root)[2] ?? "");
    expect(FakeSocket.last.asked).toMatchObject({
      places: [{ seat_id: "r1" }, { seat_id: "lead", source: "teacher" }, { seat_id: "r2" }],
    });
  });

  it("ends a spotlight, which would stand before it", async () => {
    const root = await arranging({ spotlight: { seat_id: "r2", source: null } });
    await choose(root, 0, shown(root)[1] ?? "");
    expect(FakeSocket.last.sent.slice(-2)).toMatchObject([
      { type: "set_spotlight", seat_id: null },
      { type: "set_places" },
    ]);
  });

  it("shows the program where one is made, and lets its director be led", async () => {
    const root = await arranging({ program: "running", streams: [program] });
    expect(seen(root, "tk-arrangement", "tk-program")).not.toBeNull();
    const manual = find(root, "tk-arrangement", "[data-testid=directing-manual]");
    manual.dispatchEvent(new Event("change"));
    await settled();
    expect(FakeSocket.last.asked).toMatchObject({ type: "set_directing", directing: "manual" });
    await heard({ type: "lesson_changed", lesson: lesson({ program: "idle" }) });
    expect(seen(root, "tk-arrangement", "tk-program")).toBeNull();
    await heard({ type: "lesson_changed", lesson: lesson({ program: "none" }) });
    expect(seen(root, "tk-arrangement", "fieldset")).toBeNull();
  });

  it("gives way to the devices and to the chat; Escape closes it, back to its button", async () => {
    const root = await arranging();
    await press(root, ...button("devices"));
    expect(seen(root, "tk-arrangement")).toBeNull();
    await press(root, ...button("arrange"));
    expect(seen(root, "tk-device-panel")).toBeNull();
    await key("Escape", places(root)[0]);
    expect(seen(root, "tk-arrangement")).toBeNull();
    expect(find(root, "tk-control-bar").shadowRoot?.activeElement).toBe(
      find(root, ...button("arrange")),
    );
  });
});
