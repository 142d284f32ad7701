/**
 * Decimal numbers out of bytes, rounded as `Number` rounds them. A number is `[+-] digits [. digits] [e [+-] digits]`
 * with at least one digit in front of the exponent: no hexadecimal, no separators, no "Infinity".
 */
const powers = Float64Array.from({ length: 23 }, (_, k) => 10 ** k); // exact in float64
const plus = 0x2b;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;

export class DecimalScanner {
  /** The last number scanned. May be ±Infinity where it is too large for float64. */
  value = Number.NaN;
  /** Whether the last number's text is exactly `String(value)`, so that the text need not be kept. */
  canonical = false;

  /**
   * Scans the number that starts at `from` and returns the index after it, or −1 if none starts there.
   * The bytes must hold at least one byte after the number that cannot belong to it (a newline, a 0).
   */
  scan(bytes: Uint8Array, from: number): number {
    let i = from;
    let byte = bytes[i];
    const negative = byte === minus;
    const signed = negative || byte === plus;
    if (signed) byte = bytes[++i];

    let mantissa = 0;
    let significant = 0; // digits after leading zeros
    const wholeStart = i;
    let digit = byte - zero;
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      if (mantissa !== 0) significant++;
      digit = bytes[++i] - zero;
    }
    const wholeDigits = i - wholeStart;
    let fractionDigits = 0;
    if (bytes[i] === point) {
      const fractionStart = ++i;
      digit = bytes[i] - zero;
      while (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        if (mantissa !== 0) significant++;
        digit = bytes[++i] - zero;
      }
      fractionDigits = i - fractionStart;
    }
    const hasPoint = bytes[wholeStart + wholeDigits] === point;
    if (wholeDigits + fractionDigits === 0) return -1;
    const mantissaEnd = i;

    let exponent = 0;
    byte = bytes[i];
    if (byte === 0x65 || byte === 0x45) {
      let k = i + 1;
      const down = bytes[k] === minus;
      if (down || bytes[k] === plus) k++;
      digit = bytes[k] - zero;
      if (!(digit >= 0 && digit <= 9)) return -1;
      while (digit >= 0 && digit <= 9) {
        exponent = Math.min(exponent * 10 + digit, 99_999);
        digit = bytes[++k] - zero;
      }
      if (down) exponent = -exponent;
      i = k;
    }

    const power = exponent - fractionDigits;
    // 15 digits and a power of ten up to 22 are both exact in float64, so one rounding is the right one.
    if (significant <= 15 && power >= -22 && power <= 22) {
      const magnitude = power < 0 ? mantissa / powers[-power] : mantissa * powers[power];
      this.value = negative ? -magnitude : magnitude;
    } else {
      this.value = Number(String.fromCharCode(...bytes.subarray(from, i)));
    }
    this.canonical =
      i === mantissaEnd &&
      significant <= 15 &&
      wholeDigits > 0 &&
      (wholeDigits === 1 || bytes[wholeStart] !== zero) &&
      (!hasPoint || (fractionDigits > 0 && bytes[mantissaEnd - 1] !== zero && Math.abs(this.value) >= 1e-6)) &&
      (!signed || (negative && mantissa !== 0));
    return i;
  }
}

const scratch = new Uint8Array(256);
const textScanner = new DecimalScanner();

/** Scans a whole trimmed text. Returns the scanner with the number in it, or null where the text is no number. */
export function scanText(text: string): DecimalScanner | null {
  const length = text.length;
  if (length === 0 || length >= scratch.length) return null;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x65) return null; // "e" is the last character that a number may hold
    scratch[i] = unit;
  }
  scratch[length] = 0;
  return textScanner.scan(scratch, 0) === length ? textScanner : null;
}
