/** What every subject of a subscription has. */
export interface Versioned {
  id: string;
  version: number;
}

/**
 * The subjects that a subscription and queries have told of, each in the newest version that was told, in whatever order
 * they came. A snapshot that ends says what there is: whatever it doesn't name, of what it is about, is gone.
 */
export class Mirror<T extends Versioned> {
  /** Grows by one with each change that was told to the listeners. */
  revision = 0;
  #byId = new Map<string, T>();
  #named: Set<string> | null = null;
  #complete = false;
  #timer: unknown = null;
  #listeners = new Set<() => void>();
  #later: (tell: () => void) => unknown;

  /** later: when listeners are told; many changes of one moment are told once. */
  constructor(later: (tell: () => void) => unknown = (tell) => requestAnimationFrame(tell)) {
    this.#later = later;
  }

  get(id: string): T | undefined {
    return this.#byId.get(id);
  }

  values(): Iterable<T> {
    return this.#byId.values();
  }

  /**
   * Takes a subject as it was told; an older version than the one that is known changes nothing. But what a snapshot says
   * first of one is so: the gateway's database may have been restored since.
   */
  put(subject: T, fromSnapshot = false): void {
    const word = fromSnapshot && this.#named !== null && !this.#named.has(subject.id);
    this.#named?.add(subject.id);
    const known = this.#byId.get(subject.id);
    if (!word && known && known.version > subject.version) return;
    this.#byId.set(subject.id, subject);
    this.#changed();
  }

  /** The connection begins: a snapshot that wasn't complete begins again. */
  begin(): void {
    if (!this.#complete) this.#named = new Set();
  }

  /** The cursor has expired: what follows is another snapshot. */
  expire(): void {
    this.#complete = false;
  }

  /** The snapshot has ended. Of what it is about, those that it didn't name are gone. */
  caughtUp(about: (subject: T) => boolean): void {
    const named = this.#named;
    this.#named = null;
    this.#complete = true;
    if (named) for (const [id, subject] of this.#byId) if (about(subject) && !named.has(id)) this.#byId.delete(id);
    this.#changed();
  }

  /** Whether a whole snapshot was told. */
  get complete(): boolean {
    return this.#complete;
  }

  listen = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  };

  #changed(): void {
    this.#timer ??= this.#later(() => {
      this.#timer = null;
      this.revision++;
      for (const tell of this.#listeners) tell();
    });
  }
}
