// A window's own key to what it was in a lesson, kept over a reload.
//
// Each window has its own: with another's it would come back as that one's device. Windows that take
// each other's place leave theirs where all see it, too.

export class WindowKey {
  private readonly resumeName: string;
  private readonly takesName: string;

  /** `oneWindow`: of the windows of this browser only one is in the lesson. */
  constructor(
    lessonId: string,
    private readonly oneWindow: boolean,
  ) {
    this.resumeName = `tongke.resume.${lessonId}`;
    this.takesName = `tongke.takes.${lessonId}`;
  }

  /** A window of this browser is in this lesson, or was a moment ago. */
  get isKnown(): boolean {
    const place = this.oneWindow ? localStorage : sessionStorage;
    return place.getItem(this.resumeName) !== null;
  }

  get own(): string | null {
    return sessionStorage.getItem(this.resumeName);
  }

  keep(key: string): void {
    sessionStorage.setItem(this.resumeName, key);
    if (this.oneWindow) localStorage.setItem(this.resumeName, key);
  }

  /** What this window was in the lesson is over: the next join is another device's. */
  forget(): void {
    const { own } = this;
    sessionStorage.removeItem(this.resumeName);
    if (this.oneWindow && own !== null && localStorage.getItem(this.resumeName) === own) {
      localStorage.removeItem(this.resumeName);
    }
  }

  /** Somebody's hand brings the lesson back to this window, whose page is then loaded anew. */
  takeBack(): void {
    if (this.oneWindow) sessionStorage.setItem(this.takesName, "yes");
  }

  /** The page was loaded for that; a hand counts once. */
  wasTakenBack(): boolean {
    const said = sessionStorage.getItem(this.takesName) !== null;
    sessionStorage.removeItem(this.takesName);
    return said;
  }
}
