import QRCode from 'qrcode';

/** Survives a scratched screen or a fold: a quarter of it may be lost. */
const errorCorrectionLevel = 'Q';

/** White margin around the code, in modules, without which scanners do not find it (ISO/IEC 18004). */
export const QUIET_MODULES = 4;

export interface QrCode {
  /** Modules along one side, without the margin. */
  readonly size: number;
  /** The dark modules as horizontal bars, so that no hairline shows between them in print. */
  readonly bars: readonly { readonly x: number; readonly y: number; readonly length: number }[];
}

export function qrCodeOf(text: string): QrCode {
  // Signed text has no long stretches of digits or capitals that were worth a search for them.
  const { modules } = QRCode.create([{ data: Buffer.from(text), mode: 'byte' }], { errorCorrectionLevel });
  const bars: { x: number; y: number; length: number }[] = [];
  for (let y = 0; y < modules.size; y += 1) {
    for (let x = 0; x < modules.size; x += 1) {
      if (!modules.get(y, x)) continue;
      const last = bars.at(-1);
      if (last && last.y === y && last.x + last.length === x) last.length += 1;
      else bars.push({ x, y, length: 1 });
    }
  }
  return { size: modules.size, bars };
}
