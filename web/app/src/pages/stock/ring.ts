/** How many changes of a level its sparkline shows. */
export const ringSize = 30;

/** The last values of one number, the oldest first. */
export class Ring {
  private readonly values = new Int32Array(ringSize);
  private next = 0;
  length = 0;

  static of(values: readonly number[]): Ring {
    const ring = new Ring();
    for (const value of values) ring.push(value);
    return ring;
  }

  push(value: number): void {
    this.values[this.next] = value;
    this.next = (this.next + 1) % ringSize;
    if (this.length < ringSize) this.length++;
  }

  at(i: number): number {
    return this.values[(this.next - this.length + i + ringSize) % ringSize] ?? 0;
  }

  all(): number[] {
    return Array.from({ length: this.length }, (_, i) => this.at(i));
  }
}
