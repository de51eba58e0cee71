import { bookingIdIn, charge, type PeerHost, type SeatSeller } from './peer.ts';
import { SeatTable } from './seat-table.ts';

/** Plain Postgres: one conditional update holds, another confirms. A crash between charge and confirmation is nobody's to heal. */
export async function startConditional(host: PeerHost): Promise<SeatSeller> {
  return conditional(await SeatTable.open(await host.startPostgres()));
}

export function conditional(table: SeatTable): SeatSeller {
  return {
    openShow: (showId, seats) => table.openShow(showId, seats),
    settle: () => table.settle(),
    async hold(request) {
      const bookingId = bookingIdIn(request.showId);
      return (await table.hold(bookingId, request)) ? bookingId : null;
    },
    async pay(bookingId) {
      await charge(bookingId);
      return table.confirm(bookingId);
    },
    confirmedBookings: () => table.confirmedBookings(),
  };
}
