/** All workflows, as the worker's bundle has them. */
export { bookingWorkflow } from './booking.ts';
export { bookingChangeWorkflow } from './booking-change.ts';
export { latePaymentWorkflow } from './late-payment.ts';
export { paymentSweepWorkflow } from './payment-sweep.ts';
export { reconciliationWorkflow } from './reconciliation.ts';
export { showRemindersWorkflow } from './show-reminders.ts';
export { showWorkflow } from './show.ts';
export { showCancellationWorkflow, showChangeSweepWorkflow, showMoveWorkflow } from './show-changes.ts';
