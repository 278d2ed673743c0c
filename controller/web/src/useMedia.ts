import { useSyncExternalStore } from "react";

export function useMedia(query: string): boolean {
  const list = matchMedia(query);
  return useSyncExternalStore(
    (then) => {
      list.addEventListener("change", then);
      return () => list.removeEventListener("change", then);
    },
    () => list.matches,
  );
}
