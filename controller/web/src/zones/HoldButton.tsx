// A button that acts when it is held. Who can't hold (a screen reader's press) presses twice.
import { type KeyboardEvent, type MouseEvent, type ReactNode, useEffect, useRef, useState } from "react";

export const HOLD_MS = 1_200;
const SECOND_PRESS_MS = 5_000;

interface Props {
  className: string;
  label: string;
  disabled: boolean;
  onHeld: () => void;
  children: (isArmed: boolean) => ReactNode;
}

export function HoldButton({ className, label, disabled, onHeld, children }: Props) {
  const [isHeld, setHeld] = useState(false);
  const [isArmed, setArmed] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const begin = () => {
    if (disabled || isHeld) return;
    setHeld(true);
    timer.current = setTimeout(() => {
      setHeld(false);
      onHeld();
    }, HOLD_MS);
  };
  const end = () => {
    if (!isHeld) return;
    clearTimeout(timer.current);
    setHeld(false);
  };
  const key = (then: () => void) => (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    then();
  };
  // Fingers and mice make clicks with a count, assistive technology makes them without.
  const click = (event: MouseEvent) => {
    if (event.detail !== 0 || disabled) return;
    clearTimeout(timer.current);
    setArmed(!isArmed);
    if (isArmed) onHeld();
    else timer.current = setTimeout(() => setArmed(false), SECOND_PRESS_MS);
  };
  return (
    <button
      type="button"
      className={`${className} hold ${isHeld ? "held" : ""}`}
      style={{ "--hold-ms": `${HOLD_MS}ms` } as React.CSSProperties}
      aria-label={label}
      disabled={disabled}
      onPointerDown={(event) => event.button === 0 && begin()}
      onPointerUp={end}
      onPointerLeave={end}
      onPointerCancel={end}
      onKeyDown={key(begin)}
      onKeyUp={key(end)}
      onBlur={end}
      onContextMenu={(event) => event.preventDefault()}
      onClick={click}
    >
      <span className="hold-fill" />
      {children(isArmed)}
    </button>
  );
}
