// Line icons, 24 x 24, in the colour of the text beside them.
const PATHS = {
  stop: "M8.2 2.8h7.6l5.4 5.4v7.6l-5.4 5.4H8.2l-5.4-5.4V8.2z M9 9h6v6H9z",
  pause: "M8 5v14 M16 5v14",
  play: "M7 4.5v15l12-7.5z",
  plus: "M12 5v14 M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5 M20 9V4h-5 M4 15v5h5 M20 15v5h-5",
  chevron: "M6 9l6 6 6-6",
  close: "M6 6l12 12 M18 6L6 18",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M4.5 20.5c.8-4 3.8-6 7.5-6s6.700 2 7.500 6",
  retry: "M20 11a8 8 0 1 0-2.300 6.300 M20 5v6h-6",
  bolt: "M13 3L5 13.500h6L10.500 21 19 10.500h-6z",
  check: "M5 12.500l4.500 4.500L19 7.500",
  alert: "M12 4l9 16H3z M12 10v4.500 M12 17.300v.2",
  truck: "M2.500 6h12v10.500h-12z M14.500 10h4l3 3.200v3.300h-7z M7 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z M17.500 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  list: "M8 6h12 M8 12h12 M8 18h12 M4 6h.1 M4 12h.1 M4 18h.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
