import type { Charge } from './store.ts';

const states: Partial<Record<Charge['status'], string>> = {
  captured: 'You approved this payment.',
  declined: 'You declined this payment.',
  voided: 'This payment was called off by the shop.',
};

const buttons = `<form method="post">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="decline">Decline</button>
</form>`;

/** The page on which a buyer approves or declines a charge; it posts to its own address. */
export function approvalPage(charge: Charge): string {
  const amount = escapeHtml(formatMoney(charge));
  const what = `<p>${amount} for booking <b>${escapeHtml(charge.bookingId)}</b></p>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Approve a payment</title><h1>Test bank</h1>
${charge.status === 'voided' ? '' : what}
${charge.status === 'awaiting_buyer' ? buttons : `<p>${states[charge.status] ?? ''}</p>`}
</html>`;
}

function formatMoney(charge: Charge): string {
  try {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency: charge.currency });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    return format.format(charge.amount / 10 ** digits);
  } catch {
    // Not a currency that the platform knows: the bare minor units say enough.
    return `${charge.amount} ${charge.currency}`;
  }
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)!.toString()};`);
