/**
 * What is under way now, in no order. A `Set` that is added to and taken from for every request builds itself anew all the time,
 * and what it was before keeps whole requests alive until the whole heap is collected; a list whose places are used again
 * keeps nothing.
 */
export interface Seat<T> {
  readonly value: T;
  at: number;
}

export interface Roster<T> {
  join(value: T): Seat<T>;
  /** Nothing happens to who has left already. */
  leave(seat: Seat<T>): void;
  /** Everyone, as it is now. */
  values(): T[];
}

export function createRoster<T>(): Roster<T> {
  const seats: Seat<T>[] = [];
  return {
    join(value) {
      const seat = { value, at: seats.length };
      seats.push(seat);
      return seat;
    },
    leave(seat) {
      if (seats[seat.at] !== seat) return;
      const last = seats.pop();
      if (last === undefined || last === seat) return;
      last.at = seat.at;
      seats[seat.at] = last;
    },
    values: () => seats.map((seat) => seat.value),
  };
}
