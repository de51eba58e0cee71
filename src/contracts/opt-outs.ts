/**
 * What people may ask not to be told: that a show of theirs is about to begin, that seats they did not pay for are still
 * free, that seats are held. Of money and of changes everybody is told.
 */
export const optOutKinds = ['reminder', 'unpaid', 'held'] as const;
export type OptOut = (typeof optOutKinds)[number];
