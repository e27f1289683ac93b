// What happy-dom lacks of the DOM Standard; loaded before each test file.

if (typeof ShadowRoot !== "undefined") {
  const found = Object.getOwnPropertyDescriptor(ShadowRoot.prototype, "activeElement");
  Object.defineProperty(ShadowRoot.prototype, "activeElement", {
    configurable: true,
    /** Null where the focus is in another tree (DocumentOrShadowRoot.activeElement): it throws. */
    get(this: ShadowRoot): Element | null {
      try {
        return found?.get?.call(this) as Element | null;
      } catch {
        return null;
      }
    },
  });
}
