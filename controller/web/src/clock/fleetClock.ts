// The fleet's clock between two words of the service. It jumps only when it was far off, and never creeps back.

/** Off by more than this, in real time, is a jump and no jitter of the network. */
const JUMP_MS = 2_000;
/** Share of a small error that is taken away with each word. */
const CORRECTION = 0.25;

export class FleetClock {
  private fleetMs: number | undefined;
  private wallMs = 0;
  private speed = 1;
  private shownMs = -Infinity;

  hear(nowMs: number, speed: number, wallMs: number): void {
    const rate = speed > 0 ? speed : 1;
    const expected = this.at(wallMs);
    const error = expected === undefined ? Infinity : nowMs - expected;
    const isJump = Math.abs(error) > JUMP_MS * rate;
    if (isJump) this.shownMs = -Infinity;
    this.fleetMs = isJump ? nowMs : (expected ?? nowMs) + error * CORRECTION;
    this.wallMs = wallMs;
    this.speed = rate;
  }

  /** The fleet's time, ms; undefined before the first word. */
  at(wallMs: number): number | undefined {
    if (this.fleetMs === undefined) return undefined;
    const now = this.fleetMs + (wallMs - this.wallMs) * this.speed;
    this.shownMs = Math.max(this.shownMs, now);
    return this.shownMs;
  }
}
