// Where the keyboard goes when what had it is drawn no more: to what stands next to it.
//
// Who deletes a row, closes a question or presses what then goes away would else begin anew at the
// top of the page (the browser gives the focus to BODY). A component that knows a better place says
// so itself (`focusOn`): this comes after it, and only where nothing has the keyboard.

const REACHED =
  "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), " +
  "textarea:not(:disabled), summary, [tabindex]";

export interface Place {
  readonly held: HTMLElement;
  /** What stood about it, the nearest first. */
  readonly around: readonly Element[];
}

/** Where the keyboard is within this root; null: elsewhere. */
export function placeOf(root: ShadowRoot | null): Place | null {
  const held = heldIn(root);
  if (!(held instanceof HTMLElement)) return null;
  const around: Element[] = [];
  for (let at: Element | null = held; at; at = at.parentElement) {
    around.push(at);
    if (at.nextElementSibling) around.push(at.nextElementSibling);
    if (at.previousElementSibling) around.push(at.previousElementSibling);
  }
  return { held, around };
}

/** Whether the keyboard has lost that place by a drawing. */
export function isLost({ held }: Place, root: ShadowRoot | null): boolean {
  return heldIn(root) !== held || held.matches(":disabled");
}

/** Give the keyboard to what is nearest, if nothing has it. */
export function keepKeyboard({ held, around }: Place, host: HTMLElement): void {
  if (!isNowhere() && !held.matches(":disabled")) return;
  for (const near of [...around, host]) {
    const next = near.isConnected ? reachedIn(near) : null;
    if (next) {
      next.focus();
      return;
    }
  }
  for (let at: Element | null = host; at; at = outer(at)) {
    if (at instanceof HTMLElement && at.isConnected && at.hasAttribute("tabindex")) {
      at.focus();
      return;
    }
  }
}

/** What has the keyboard in this root, or holds it deeper. */
function heldIn(root: ShadowRoot | null): Element | null {
  let at = document.activeElement;
  while (at && at.getRootNode() !== root) at = at.shadowRoot?.activeElement ?? null;
  return at;
}

function isNowhere(): boolean {
  const { activeElement, body } = document;
  return activeElement === null || activeElement === body;
}

function outer(element: Element): Element | null {
  if (element.parentElement) return element.parentElement;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

/** The first that the tab key would reach in it, through all its shadow roots. */
function reachedIn(element: Element): HTMLElement | null {
  if (element.hasAttribute("hidden") || element.hasAttribute("inert")) return null;
  if (element instanceof HTMLElement && element.matches(REACHED) && element.tabIndex >= 0) {
    return element;
  }
  for (const child of [...(element.shadowRoot?.children ?? []), ...element.children]) {
    const found = reachedIn(child);
    if (found) return found;
  }
  return null;
}
