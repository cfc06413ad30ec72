/** Dark or light: the system's theme, unless the user has chosen one. */

export type Theme = "system" | "light" | "dark";

const STORAGE_KEY = "vibewire.theme";

export function storedTheme(): Theme {
  const stored = localStorage.getItem(STORAGE_KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function applyTheme(theme: Theme = storedTheme()): void {
  if (theme === "system") localStorage.removeItem(STORAGE_KEY);
  else localStorage.setItem(STORAGE_KEY, theme);
  document.documentElement.dataset.theme = theme;
}
