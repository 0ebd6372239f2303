/** How many changes of a level its sparkline shows. */
export const ringSize = 30;

/** The last values of one number, the oldest first. */
export class Ring {
  private readonly values = new Int32Array(ringSize);
  private next = 0;
  length = 0;

  push(value: number): void {
    this.values[this.next] = value;
    this.next = (this.next + 1) % ringSize;
    if (this.length < ringSize) this.length++;
  }

  at(i: number): number {
    return this.values[(this.next - this.length + i + ringSize) % ringSize] ?? 0;
  }
}
