// The language of the pages: chosen from the browser, switchable, remembered; one catalogue loaded
// at a time. The English catalogue gives the shape; a key the Chinese one lacks does not compile.

import type { Messages } from "./en/index.ts";

export type { Messages };
export type Language = "zh-CN" | "en";

const REMEMBERED = "tongke.language";

let language: Language = "zh-CN";
let catalogue: Messages;
const watchers = new Set<() => void>();

export function currentLanguage(): Language {
  return language;
}

/** All words of the current language. Only after `startLanguage`. */
export function messages(): Messages {
  return catalogue;
}

/** One text in both languages, as the server and the lesson protocol tell it, or as pages keep it. */
export type InBoth =
  | { readonly zh: string; readonly en: string }
  | { readonly message_zh: string; readonly message_en: string };

/** The text in the current language. */
export function said(text: InBoth): string {
  if ("zh" in text) return language === "en" ? text.en : text.zh;
  return language === "en" ? text.message_en : text.message_zh;
}

/** Load the remembered language, else the browser's, before anything is drawn. */
export async function startLanguage(): Promise<void> {
  await useLanguage(pickLanguage(localStorage.getItem(REMEMBERED), navigator.languages));
}

export async function switchLanguage(next: Language): Promise<void> {
  localStorage.setItem(REMEMBERED, next);
  await useLanguage(next);
}

/** Call `watcher` after each change; returns how to stop. */
export function onLanguage(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** The remembered language, else the first of the browser's that we have, else Chinese. */
export function pickLanguage(remembered: string | null, preferred: readonly string[]): Language {
  if (remembered === "zh-CN" || remembered === "en") return remembered;
  for (const tag of preferred) {
    if (tag.toLowerCase().startsWith("zh")) return "zh-CN";
    if (tag.toLowerCase().startsWith("en")) return "en";
  }
  return "zh-CN";
}

async function useLanguage(next: Language): Promise<void> {
  catalogue = next === "en" ? (await import("./en/index.ts")).en : (await import("./zh/index.ts")).zh;
  language = next;
  document.documentElement.lang = next;
  for (const watcher of [...watchers]) watcher();
}
