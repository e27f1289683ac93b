"""Pages used by the keyboard alone: what has the focus, and walks that need no mouse.

Nothing is found by its words, so the walks are the same in every language. A walk asserts that each
control is reached by the tab key, that its focus can be seen, and that the focus is somewhere
sensible after a control went away under it.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

# More than any page has between two of its controls.
MOST_STOPS = 60
FOCUS = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  if (!element || element === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  let dialog = null;
  for (let at = element; at && !dialog; at = at.getRootNode().host) dialog = at.closest("dialog");
  return {
    hook: element.dataset.testid ?? "",
    tag: element.localName,
    role: element.getAttribute("role") ?? "",
    classes: element.className,
    row: element.closest("[data-id]")?.dataset.id ?? "",
    swap: element.dataset.swap ?? "",
    inDialog: Boolean(dialog?.open),
    seen: outlineStyle !== "none" && parseFloat(outlineWidth) > 0,
  };
}"""


class Keyboard:
    """One page's keyboard, and where its focus is."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focus(self) -> dict[str, Any]:
        """What has the focus; empty when nothing has."""
        return self.page.evaluate(FOCUS) or {}

    def waits_at(self, **what: object) -> None:
        """Waits until the focus is at what is described."""
        self.page.wait_for_function(
            f"what => {{ const at = ({FOCUS})() ?? {{}};"
            " return Object.entries(what).every(([key, value]) => at[key] === value); }",
            arg=what,
        )

    def tab_to(self, *, back: bool = False, **what: object) -> None:
        """Goes on with the tab key until it is there; everything on the way shows its focus."""
        for _ in range(MOST_STOPS):
            self.press("Shift+Tab" if back else "Tab")
            at = self.focus()
            assert not at or at["seen"], f"focus that nobody sees: {at}"
            if at and all(at[key] == value for key, value in what.items()):
                return
        raise AssertionError(f"the tab key does not come to {what}")

    def presses(self, hook: str) -> None:
        """Goes to a control, unless the focus is there, and presses it."""
        if self.focus().get("hook") != hook:
            self.tab_to(hook=hook)
        self.press("Enter")

    def signs_in(self, origin: str, username: str, password: str) -> None:
        self.page.goto(f"{origin}/sign-in")
        self.waits_at(hook="field-username")
        self.page.keyboard.type(username)
        self.press("Tab")
        self.page.keyboard.type(password)
        self.press("Enter")
        self.page.wait_for_url(f"{origin}/")


def a_rooms_settings(page: Page) -> None:
    """The gear opens, holds the focus, raises no hand, switches the language, and gives back."""
    keys = Keyboard(page)
    hand = page.get_by_test_id("raise-hand")
    language = page.locator("html").get_attribute("lang")
    keys.tab_to(hook="settings")
    keys.press("Enter")
    keys.waits_at(tag="select", inDialog=True)
    keys.press("ArrowRight", "ArrowLeft")  # chooses a device, as elsewhere it raises a hand
    keys.tab_to(hook="language")
    keys.press("Enter")
    expect(page.locator("html")).not_to_have_attribute("lang", str(language))
    keys.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", str(language))
    for _ in range(8):  # round and round: never to what is behind
        keys.press("Tab")
        assert keys.focus().get("inDialog", True)
    keys.press("Escape")
    keys.waits_at(hook="settings")
    expect(hand).to_have_attribute("aria-pressed", "false")


def a_recording(page: Page) -> None:
    """The player: keys that are told in words, tabs, chapters, small pictures, the help."""
    keys = Keyboard(page)
    said = page.get_by_test_id("said")
    keys.press("]")
    expect(said).to_contain_text("1.25×")
    keys.press("[", "4")  # where all are there, in a lesson that has holes later
    expect(said).to_contain_text(":")
    keys.tab_to(classes="swap")
    chosen = keys.focus()["swap"]
    keys.press("Enter")
    keys.waits_at(classes="swap")  # of the picture that is small now
    assert keys.focus()["swap"] != chosen
    keys.tab_to(hook="seek")
    before = page.get_by_test_id("seek").get_attribute("aria-valuenow")
    keys.press("Home")
    expect(page.get_by_test_id("seek")).not_to_have_attribute("aria-valuenow", str(before))
    keys.tab_to(hook="play")
    keys.tab_to(role="tab")
    keys.press("ArrowRight", "ArrowLeft")
    keys.waits_at(role="tab")
    keys.tab_to(tag="button", role="")
    keys.press("ArrowDown", "Enter")
    keys.waits_at(tag="button", role="")
    keys.press("?")
    keys.waits_at(hook="close-keys")
    keys.press("Escape")
    keys.waits_at(tag="button", role="")  # where it was


def administration(page: Page, origin: str) -> None:
    """Every section is walked through; a school is made, changed, deleted and brought back."""
    keys = Keyboard(page)
    page.goto(f"{origin}/admin/schools")
    expect(page.get_by_test_id("add")).to_be_visible()
    keys.tab_to(hook="add")
    keys.press("Enter")
    keys.waits_at(hook="field-name")
    keys.press("Enter")
    expect(page.get_by_test_id("field-name")).to_have_attribute("aria-invalid", "true")
    keys.press("Escape")
    keys.waits_at(hook="add")
    keys.press("Enter")
    keys.waits_at(hook="field-name")
    page.keyboard.type("Zhushan School")
    keys.press("Enter")
    keys.waits_at(hook="add")

    keys.tab_to(classes="quiet slim edit")
    row = keys.focus()["row"]
    keys.press("Enter")
    keys.waits_at(hook="field-name")
    keys.press("Escape")
    keys.waits_at(classes="quiet slim edit", row=row)

    page.get_by_text("Zhushan School").wait_for()
    while keys.focus().get("row") != _row(page, "Zhushan School"):
        keys.tab_to(classes="quiet slim delete")
    row = keys.focus()["row"]
    keys.press("Enter")
    keys.waits_at(classes="slim least")
    keys.press("Escape")
    keys.waits_at(classes="quiet slim delete", row=row)
    keys.press("Enter")
    keys.waits_at(classes="slim least")
    keys.tab_to(back=True, classes="alarm slim")
    keys.press("Enter")
    keys.waits_at(tag="button", row="")
    keys.press("Enter")  # undo
    keys.waits_at(classes="quiet slim edit", row=row)


def _row(page: Page, name: str) -> str | None:
    return page.locator("tr", has_text=name).first.get_attribute("data-id")
