import { growingBuffer, type Store } from "../linalg/buffers.js";

/** Buffers of passes that are over: short passes would spend their time on new ones. */
const idle: Store[] = [];
const MOST_IDLE = 8;

/** Buffers for one pass. A pass that fails keeps them. */
export function borrowBuffers(): { one(): Store; giveBack(): void } {
  const lent: Store[] = [];
  return {
    one() {
      const buffer = idle.pop() ?? growingBuffer();
      lent.push(buffer);
      return buffer;
    },
    giveBack() {
      idle.push(...lent.slice(0, MOST_IDLE - idle.length));
    },
  };
}
