// How smoothly the map is drawn: counts frames and those that the screen showed twice.

export class Frames {
  private lastAt: number | undefined;
  private gaps: number[] = [];
  private work: number[] = [];
  private longestMs = 0;

  /** A frame begins. */
  begin(at: number): void {
    if (this.lastAt !== undefined) {
      const gap = at - this.lastAt;
      this.gaps.push(gap);
      this.longestMs = Math.max(this.longestMs, gap);
      if (this.gaps.length > 20_000) this.reset();
    }
    this.lastAt = at;
  }

  /** What drawing it took. */
  drew(ms: number): void {
    this.work.push(ms);
  }

  reset(): void {
    this.gaps = [];
    this.work = [];
    this.longestMs = 0;
  }

  read(): FrameCount {
    const period = Math.max(4, quantile(this.gaps, 0.5));
    const dropped = this.gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / period) - 1), 0);
    return {
      frames: this.gaps.length,
      dropped,
      pictures: this.work.length,
      period_ms: round(period),
      longest_ms: round(this.longestMs),
      draw_ms_median: round(quantile(this.work, 0.5)),
      draw_ms_p99: round(quantile(this.work, 0.99)),
    };
  }
}

export interface FrameCount {
  frames: number;
  dropped: number;
  /** Frames in which something looked different. */
  pictures: number;
  period_ms: number;
  longest_ms: number;
  draw_ms_median: number;
  draw_ms_p99: number;
}

function quantile(values: number[], share: number): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
