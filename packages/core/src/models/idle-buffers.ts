import { growingBuffer } from "./feature-map.js";

type Buffer = ReturnType<typeof growingBuffer>;

/** Buffers of passes that are over: short passes would spend their time on new ones. */
const idle: Buffer[] = [];
const MOST_IDLE = 8;

/** Buffers for one pass. A pass that fails keeps them. */
export function borrowBuffers(): { one(): Buffer; giveBack(): void } {
  const lent: Buffer[] = [];
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
