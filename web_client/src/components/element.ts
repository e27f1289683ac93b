// The base of all our elements: redraws when the language changes, gives the words.

import { LitElement, type PropertyValues } from "lit";
import { type Messages, messages, onLanguage } from "../i18n/index.ts";
import { isLost, keepKeyboard, placeOf } from "./keyboard.ts";

export class TongkeElement extends LitElement {
  private stopLanguage: (() => void) | undefined;

  protected get m(): Messages {
    return messages();
  }

  /**
   * After the next drawing the keyboard is at the first of these that is there: where a control
   * goes away under the hand that used it, the next Tab must not begin at the page's top.
   */
  protected focusOn(...selectors: string[]): void {
    void this.updateComplete.then(() => {
      const places = selectors.map((one) => this.renderRoot.querySelector<HTMLElement>(one));
      places.find((one) => one !== null)?.focus();
    });
  }

  /** What had the keyboard may be drawn no more: then what is next to it has it. */
  protected override update(changed: PropertyValues): void {
    const place = placeOf(this.shadowRoot);
    super.update(changed);
    if (!place || !isLost(place, this.shadowRoot)) return;
    setTimeout(() => keepKeyboard(place, this)); // once what is drawn within is drawn as well
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.stopLanguage = onLanguage(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    this.stopLanguage?.();
    super.disconnectedCallback();
  }
}

/** Define an element once; the second definition of a reloaded module is ignored. */
export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}
