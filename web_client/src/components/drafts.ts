// What was being typed when the session ended: kept in this tab until the person has signed in again.
//
// Kept in the tab alone (`sessionStorage`), for the person who typed it, without passwords, and given
// once. Whoever signs out, or signs in as somebody else, finds nothing of it.

import type { Values } from "./form.ts";

const KEPT = "tongke.drafts";

interface Draft {
  readonly who: string;
  readonly about: string;
  readonly values: Values;
}

let person = "";

/** Who is signed in now; what others typed is forgotten. */
export function isSignedIn(id: string): void {
  person = id;
  const own = Object.entries(all()).filter(([, draft]) => draft.who === id);
  write(Object.fromEntries(own));
}

export function keepDraft(form: string, about: string, values: Values): void {
  write({ ...all(), [form]: { who: person, about, values } });
}

/** What the kept draft of a form is about; null: there is none. */
export function draftAbout(form: string): string | null {
  return all()[form]?.about ?? null;
}

/** What was typed in a form about this, once. */
export function takeDraft(form: string, about: string): Values | null {
  const { [form]: draft, ...others } = all();
  if (draft?.about !== about) return null;
  write(others);
  return draft.values;
}

export function forgetDrafts(): void {
  sessionStorage.removeItem(KEPT);
}

function all(): Record<string, Draft> {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") as Record<string, Draft>;
  } catch {
    return {}; // not ours
  }
}

function write(drafts: Record<string, Draft>): void {
  if (Object.keys(drafts).length === 0) forgetDrafts();
  else sessionStorage.setItem(KEPT, JSON.stringify(drafts));
}
