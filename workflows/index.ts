/** All workflows, as the worker's bundle has them. */
export { bookingWorkflow } from './booking.ts';
export { latePaymentWorkflow } from './late-payment.ts';
export { paymentSweepWorkflow } from './payment-sweep.ts';
export { showWorkflow } from './show.ts';
