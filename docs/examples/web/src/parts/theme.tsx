import { createStore, useStore } from "../store";

const KEY = "veza.theme";
const NAMES = { system: "As the system", light: "Light", dark: "Dark" } as const;

export type Theme = keyof typeof NAMES;

export const theme = createStore<Theme>((localStorage.getItem(KEY) as Theme | null) ?? "system");

function apply(): void {
  document.documentElement.dataset.theme = theme.get();
}

export function setTheme(next: Theme): void {
  localStorage.setItem(KEY, next);
  theme.set(next);
  apply();
}

export function ThemeChoice() {
  const now = useStore(theme);
  return (
    <fieldset className="segments">
      <legend className="hidden">Colours</legend>
      {Object.entries(NAMES).map(([name, label]) => (
        <label key={name}>
          <input type="radio" name="theme" checked={now === name} onChange={() => setTheme(name as Theme)} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

apply();
